"""A session with the checks on loads the package as it is, and leaves the way modules are found as it was."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from queue_projects import outcomes

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

#: As pytest does for all modules of an installed package that has a plugin.
MARKED = "import pytest\npytest.register_assert_rewrite('ops_checks.gate', 'ops_checks.rules')\n"
LOADERS = """
import sys
def test_own():
    loaders = {name: type(getattr(module, '__loader__', None)).__name__ for name, module in sys.modules.items()}
    ours = {name: loader for name, loader in loaders.items() if name.startswith("ops_checks.")}
    assert "ops_checks.gate.input_files" in ours and "ops_checks.pytest_plugin.session" in ours
    del ours["ops_checks.pytest_plugin"]
    assert "AssertionRewritingHook" not in ours.values(), ours
    assert loaders[__name__] == "AssertionRewritingHook"
"""


def test_modules_of_the_package_are_not_rewritten(project: Project) -> None:
    """Pytest rewrites the assertions of tests, not what has none: loading that takes as long as the checks."""
    project.write("conftest.py", MARKED)
    project.write("tests/test_own.py", LOADERS)
    result = project.pytest("-rA")
    assert outcomes(result)["tests/test_own.py::test_own"] == "PASSED"
    assert result.ret == 0


@pytest.mark.parametrize("option", ["--queue-check", "-q"])
def test_modules_are_found_as_before_when_the_session_ends(
    project: Project, pytester: pytest.Pytester, option: str
) -> None:
    """A program that runs pytest and goes on finds its modules where it found them, with the checks on or off."""
    code = f"import pytest, sys; pytest.main(['-pops-checks', {option!r}]); print('left', *map(repr, sys.meta_path))"
    result = pytester.run(sys.executable, "-c", code)
    (left,) = [line for line in result.outlines if line.startswith("left")]
    assert "ops_checks.pytest_plugin" not in left
    assert project.path.exists()
