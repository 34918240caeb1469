"""Report → str: the index of formats. One small module a format, imported when it is used.

A format renders and nothing else: it reads no clock, no environment and no file, and it never
changes a verdict or an exit code (FORMATS section 7).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.report import Report


class Setting(Struct, frozen=True):
    """What a format must know of where it is shown.

    `color`: the terminal understands colours. `folder`: the absolute path that relative paths in
    the report are relative to; `root`: the absolute path of the repository, which CI systems want
    paths relative to. Where they are empty, relative paths are taken to be relative to the
    repository already, and absolute ones to be outside of it.
    """

    color: bool = False
    folder: str = ""
    root: str = ""


class _Renderer(Protocol):
    def render(self, report: Report, setting: Setting) -> str: ...


class Format(Struct, frozen=True):
    """One format: how it is called, what it is for, and how a file of it is written.

    `module` is the one in this package that renders it. `append`: a target file is appended to (a
    summary or a stream of commands that others write to as well); otherwise it is replaced,
    atomically. `extension` is the usual one, `media_type` the registered one.
    """

    name: str
    module: str
    help: str
    extension: str
    media_type: str
    append: bool = False

    def render(self, report: Report, setting: Setting | None = None) -> str:
        """Return the report in this format: text that can be encoded as UTF-8 and ends in a line break, or nothing."""
        from importlib import import_module

        module = cast("_Renderer", import_module(f"{__name__}.{self.module}"))
        return module.render(report, setting or Setting())


def _index(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({one.name: one for one in formats})


#: Every format by its name, in the order in which help texts list them.
FORMATS: Mapping[str, Format] = _index(
    Format(
        "text", "text", "for a terminal: verdict, failing rules, worst offenders", ".txt", "text/plain", append=True
    ),
    Format("json", "json_report", "the published report (ops-checks schema report)", ".json", "application/json"),
    Format("junit", "junit", "JUnit XML, one testcase a rule", ".xml", "application/xml"),
    Format("sarif", "sarif", "SARIF 2.1.0 for code scanning", ".sarif", "application/sarif+json"),
    Format("github", "github", "GitHub workflow commands: annotations", ".txt", "text/plain", append=True),
    Format("gitlab", "gitlab", "GitLab code quality report", ".json", "application/json"),
    Format("markdown", "markdown", "a summary for a pull request", ".md", "text/markdown", append=True),
    Format(
        "openmetrics",
        "openmetrics",
        "OpenMetrics text for a textfile collector",
        ".prom",
        "application/openmetrics-text",
    ),
    Format(
        "health",
        "health",
        "one line for a pipeline's log: HEALTH_OK, HEALTH_WARN, HEALTH_FAIL or HEALTH_ERROR",
        ".txt",
        "text/plain",
        append=True,
    ),
)

__all__ = ["FORMATS", "Format", "Setting"]
