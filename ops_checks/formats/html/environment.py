"""The templates, and what comes of the texts that they show: escaped and visible, every one of them."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import jinja2
from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from ops_checks.formats.html import compiled
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from importlib.resources.abc import Traversable

    from jinja2 import Template


#: A command of this program in a text: words, options and names of files, and nothing that a shell reads.
_COMMAND = re.compile(r"`(ops-checks [A-Za-z0-9 =./_-]+)`")


class Style(NamedTuple):
    """The one style element's content, and the source that a Content-Security-Policy names it by."""

    text: Markup
    source: Markup


class _Loader(BaseLoader):
    """Load templates as they were compiled by the Jinja that is installed; for another one, compile their sources."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, None, Callable[[], bool]]:  # noqa: ARG002 - Jinja's
        """Return the source of a template."""
        return template_source(template), None, lambda: True

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, object] | None = None,  # noqa: A002 - Jinja's
    ) -> Template:
        """Return a template."""
        if getattr(jinja2, "__version__", None) != compiled.JINJA:
            return super().load(environment, name, globals)
        module = {"__file__": name, **compiled.TEMPLATES[name](environment)}
        return environment.template_class.from_module_dict(environment, module, globals or {})


@cache
def environment() -> Environment:
    """Return the environment of the templates.

    Each expression goes through `_shown`, then through the escaping of HTML: a template can forget neither.
    """
    made = Environment(
        loader=_Loader(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["pieces"] = _COMMAND.split
    return made


@cache
def style() -> Style:
    """Return the style sheet."""
    text = template_source("style.css")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Style(Markup(text), Markup(f"'sha256-{digest}'"))  # noqa: S704 - our own file


def templates() -> list[str]:
    """Return the names of the templates and of what else their folder holds."""
    return [each.name for each in _folder().iterdir()]


def template_source(name: str) -> str:
    """Return the source of a template."""
    return _folder().joinpath(name).read_text(encoding="utf-8")


def _folder() -> Traversable:
    return files("ops_checks.formats.html").joinpath("templates")


def _shown(value: object) -> object:
    """Return a value as a template shows it. Raises TypeError for what is neither a text nor a number."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"a template shows {type(value).__name__}, which has no text")
