"""GitHub workflow commands: annotations on the lines of a pull request.

GitHub shows ten annotations of each level a step and drops the others in silence, so the worst
come first, and where some are left out the tenth notice counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.presentation.annotations import LEVELS, annotate, rule_level
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import change_lines, gone_lines, sentence
from ops_checks.presentation.limits import GITHUB_SHOWN, GITHUB_TITLE, TEXT, shorten
from ops_checks.presentation.locations import locate
from ops_checks.presentation.wording import plural
from ops_checks.report.serialize import TOOL
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.presentation.annotations import Annotation
    from ops_checks.report.model import Report


def render(report: Report, options: RenderOptions) -> str:
    """Return one command a line, first the report in a sentence; an empty text when there is no annotation.

    `##[`, which the runner executes anywhere in a line, is written `## [`.
    """
    by_level: dict[str, list[str]] = {level: [] for level in LEVELS}
    by_level["error"] += (_command("error", [("title", TOOL)], message) for message in report.errors)
    for annotation in annotate(report):
        by_level[annotation.level].append(_annotation(report, annotation, options))
    unlisted = _unlisted(report)
    is_silent = not any(by_level.values()) and report.known is None
    first = [] if is_silent else [_command("notice", [("title", TOOL)], sentence(report))]
    by_level["notice"] += (_command("notice", [("title", f"{TOOL} gone")], line) for line in gone_lines(report))
    by_level["notice"] += (_command("notice", [("title", f"{TOOL} changed")], line) for line in change_lines(report))
    shown, left_out = _cut(by_level, unlisted, GITHUB_SHOWN - len(first))
    if left_out:
        shown.append(_command("notice", [("title", TOOL)], f"{left_out}: see the whole report"))
    return "".join(f"{line}\n" for line in (*first, *shown))


def _unlisted(report: Report) -> dict[str, int]:
    """Count the findings that the report does not list, by level."""
    counts = dict.fromkeys(LEVELS, 0)
    for rule in report.rules:
        counts[rule_level(rule)] += rule.more_new
        counts["notice"] += rule.more_known
    return counts


def _cut(by_level: dict[str, list[str]], unlisted: dict[str, int], notices: int) -> tuple[list[str], str]:
    """Return the commands that GitHub shows, and how many are left out: `not shown here: 3 more errors`, or nothing.

    `notices` is how many of them are left to show.
    """
    limits = dict.fromkeys(LEVELS, GITHUB_SHOWN) | {"notice": notices}
    if any(unlisted.values()) or any(len(lines) > limits[level] for level, lines in by_level.items()):
        limits["notice"] -= 1  # the tenth counts the others
    hidden = {level: unlisted[level] + max(len(lines) - limits[level], 0) for level, lines in by_level.items()}
    words = [plural(count, f"more {level}", f"more {level}s") for level, count in hidden.items() if count]
    shown = [line for level, lines in by_level.items() for line in lines[: limits[level]]]
    return shown, f"not shown here: {', '.join(words)}" if words else ""


def _annotation(report: Report, annotation: Annotation, options: RenderOptions) -> str:
    path, line, column = locate(report, annotation.rule, annotation.finding, options)
    place = [] if path is None else [("file", path), ("line", str(line)), ("col", str(column))]
    return _command(
        annotation.level,
        [*place, ("title", shorten(f"{TOOL} {visible(annotation.rule.id)}", GITHUB_TITLE))],
        annotation.message,
    )


def _command(name: str, properties: list[tuple[str, str]], message: str) -> str:
    written = ",".join(f"{key}={_property(value)}" for key, value in properties)
    return f"::{name} {written}::{_data(shorten(visible(message), TEXT))}"


def _data(text: str) -> str:
    """Escape data: `%`, CR and LF escaped as the runner reads them; the last two are visible escapes already."""
    return visible(text).replace("##[", "## [").replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMAT = Format(
    help="GitHub workflow commands: annotations",
    extension=".txt",
    media_type="text/plain",
    append=True,
    render=render,
)
