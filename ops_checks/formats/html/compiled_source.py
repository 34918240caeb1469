"""Compile the templates: `python -m ops_checks.formats.html.compiled_source`.

Compiling them takes longer than filling them. So what Jinja makes of them is kept in `compiled`, which this writes, and
which a test holds to be equal to what this derives.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import jinja2

from ops_checks.formats.html.environment import environment, template_source, templates

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = '''\
"""The templates as Jinja compiles them: made by `python -m ops_checks.formats.html.compiled_source`, never by hand."""
# mypy: ignore-errors
# fmt: off

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jinja2 import Environment

#: The version of Jinja that made them: another one may expect other things of them.
JINJA = {version!r}
'''


def source() -> str:
    """Return the source of the module that keeps the templates."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    names = sorted(name for name in templates() if name.endswith(".html"))
    yield _HEAD.format(version=jinja2.__version__)
    for number, name in enumerate(names):
        code = environment().compile(template_source(name), name, name, raw=True)
        yield f"\ndef _template_{number}(environment):\n{indent(code, '    ')}\n    return locals()\n"
    yield "\n#: What makes the names of a template's module, by the template's name."
    yield "TEMPLATES: dict[str, Callable[[Environment], dict[str, Any]]] = {"
    yield from (f"    {name!r}: _template_{number}," for number, name in enumerate(names))
    yield from ("}", "")


if __name__ == "__main__":
    Path(__file__).with_name("compiled.py").write_text(source(), encoding="utf-8")
