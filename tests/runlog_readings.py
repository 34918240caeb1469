"""Every test of the run log runs with the native scanner and without it. A plugin of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import parts
import pytest

from ops_checks.runlog import scanner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_NATIVE = scanner.native
#: Tests of the native scanner alone, and of Spark, whose workers are processes of their own: they read as they can.
_ONCE = ("test_scanner.py", "engines")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of the folder `runlog` twice."""
    inside = metafunc.definition.path.relative_to(parts.FOLDER).parts
    if "runlog" in inside and not set(_ONCE) & set(inside):
        metafunc.parametrize("reading", ["native", "python"], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)  # pytest makes no fixture that only `parametrize` names
def reading(request: pytest.FixtureRequest) -> Iterator[None]:
    """Read logs with the native scanner, or with the Python decoder alone, where a test has both ways."""
    way = getattr(request, "param", None)
    if way is not None:
        scanner.native = _built(request) if way == "native" else None
    yield
    scanner.native = _NATIVE


@pytest.fixture(scope="module")
def native(request: pytest.FixtureRequest) -> ModuleType:
    """Return the native scanner."""
    return _built(request)


def _built(request: pytest.FixtureRequest) -> ModuleType:
    """Return the native scanner; skip the test where none can be built."""
    parts.need(request.config, "compiler")
    assert _NATIVE is not None, "the native scanner was not built: make the environment anew (ci/env test)"
    return _NATIVE
