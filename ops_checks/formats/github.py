"""GitHub workflow commands: annotations on the lines of a pull request.

GitHub shows ten annotations of each level a step and drops the others in silence, so the worst
come first, and where some are left out the tenth notice says how many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.formats.folders import place_of
from ops_checks.formats.telling import plural, told
from ops_checks.report.published import TOOL
from ops_checks.text import visible

if TYPE_CHECKING:
    from ops_checks.formats import Setting
    from ops_checks.formats.telling import Told
    from ops_checks.report import Report

_LEVELS = ("error", "warning", "notice")
_SHOWN = 10  # annotations of a level that GitHub shows for one step


def render(report: Report, setting: Setting) -> str:
    """Return one command a line; nothing when there is nothing to tell.

    `##[`, which the runner obeys anywhere in a line, is written `## [`.
    """
    by_level: dict[str, list[str]] = {level: [] for level in _LEVELS}
    by_level["error"] += (_command("error", [("title", TOOL)], message) for message in report.errors)
    for one in told(report):
        by_level[one.level].append(_annotation(report, one, setting))
    unlisted = _unlisted(report)
    shown, left_out = _cut(by_level, unlisted)
    if left_out:
        shown.append(_command("notice", [("title", TOOL)], f"{left_out}: see the whole report"))
    return "".join(f"{line}\n" for line in shown)


def _unlisted(report: Report) -> dict[str, int]:
    """Count the findings that the report itself only counts, by level."""
    counts = dict.fromkeys(_LEVELS, 0)
    for rule in report.rules:
        level = {"fail": "error", "error": "error", "warn": "warning"}.get(rule.effect.value, "notice")
        counts[level] += rule.more_findings
    return counts


def _cut(by_level: dict[str, list[str]], unlisted: dict[str, int]) -> tuple[list[str], str]:
    """Return the commands that GitHub will show, and what is left out in words: `not shown: 3 errors`."""
    limits = dict.fromkeys(_LEVELS, _SHOWN)
    if any(unlisted.values()) or any(len(lines) > _SHOWN for lines in by_level.values()):
        limits["notice"] -= 1  # the tenth says how many more
    hidden = {level: unlisted[level] + max(len(lines) - limits[level], 0) for level, lines in by_level.items()}
    words = [plural(count, f"more {level}", f"more {level}s") for level, count in hidden.items() if count]
    shown = [line for level, lines in by_level.items() for line in lines[: limits[level]]]
    return shown, f"not shown here: {', '.join(words)}" if words else ""


def _annotation(report: Report, one: Told, setting: Setting) -> str:
    path, line, column = place_of(report, one.rule, one.finding, setting)
    place = [] if path is None else [("file", path), ("line", str(line)), ("col", str(column))]
    return _command(one.level, [*place, ("title", f"{TOOL} {one.rule.id}")], one.message)


def _command(name: str, properties: list[tuple[str, str]], message: str) -> str:
    written = ",".join(f"{key}={_property(value)}" for key, value in properties)
    return f"::{name} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Escape data: `%`, CR and LF escaped as the runner reads them; the last two are visible escapes already."""
    return visible(text).replace("##[", "## [").replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
