"""What the page shows of rules and findings: a section for each rule that is not met, and lists of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple, replace

from ops_checks.formats.html.sizes import bytes_of, cut
from ops_checks.model import NOTHING
from ops_checks.presentation.difference import excerpts
from ops_checks.presentation.known import is_shown, known_rows
from ops_checks.presentation.limits import fitting
from ops_checks.presentation.wording import (
    detail_without_item,
    is_told,
    measurements,
    offender_value,
    subject,
    worst_first,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

#: Bytes of the markup around the texts of a row, of a rule's section, and of the line that counts the rest.
_ROW, _SECTION = 220, 900
_PLACES = 4  # of a finding are named
_TITLE = 200


class Row(Struct, frozen=True):
    """A finding in texts. `field`, `markdown` and `database` are those of a drift, empty for another finding."""

    item: str
    task: str
    owner: str
    priority: str
    field: str
    markdown: str
    database: str
    text: str
    value: str
    where: str
    remark: str = ""
    rule: str = ""


class Section(Struct, frozen=True):
    """A rule that is not met: what it says, what it measured, what to do, what it found, how much is not listed."""

    id: str
    title: str
    verdict: str
    effect: str
    message: str
    numbers: tuple[tuple[str, str], ...]
    help: str
    rows: tuple[Row, ...]
    more: int


def sections(report: Report, room: int) -> tuple[list[Section], int]:
    """Return the sections of the rules that are not met, the worst first, and how many rules have no room.

    `room` is how many bytes they have together.
    """
    todo = [rule for rule in worst_first(report) if is_shown(report, rule) and not is_told(report, rule)]
    found: list[Section] = []
    for rule in todo:
        section = _section(rule, room)
        room -= _size(section)
        if room < 0:
            break
        found.append(section)
    return found, len(todo) - len(found)


def _section(rule: RuleResult, room: int) -> Section:
    """Return a rule's section with as many of its findings as there is room for."""
    bare = Section(
        id=cut(rule.id, _TITLE),
        title=cut(rule.title, _TITLE),
        verdict=rule.verdict.value,
        effect="" if rule.effect == rule.verdict else rule.effect.value,
        message=cut(rule.message),
        numbers=tuple((word, cut(text, _TITLE)) for word, text in measurements(rule)),
        help=cut(rule.help),
        rows=(),
        more=len(rule.new) + rule.more_new,
    )
    rows = fitting_rows((finding_row(rule, each) for each in rule.new), room - _size(bare))
    return replace(bare, rows=tuple(rows), more=bare.more - len(rows))


def _size(section: Section) -> int:
    """Return about how many bytes a section takes, the few of its numbers included."""
    texts = [
        section.id,
        section.id,
        section.title,
        section.message,
        section.help,
        *(text for _, text in section.numbers),
    ]
    return _SECTION + bytes_of(texts) + sum(map(row_size, section.rows))


def fitting_rows(rows: Iterable[Row], room: int) -> list[Row]:
    """Return the rows up to the first for which there is no room, in bytes."""
    return fitting(rows, room, row_size)


def row_size(row: Row) -> int:
    """Return how many bytes a row takes."""
    return _ROW + bytes_of(astuple(row))


def finding_row(rule: RuleResult, finding: Finding, remark: str = "", name: str = "") -> Row:
    """Return a finding in texts; `remark` is what else is to be said of it, `name` that of its rule if it is shown."""
    is_drift = finding.field is not None and (finding.md is not None or finding.db is not None)
    markdown, database = sides(finding.md, finding.db) if is_drift else ("", "")
    return Row(
        item=cut(subject(finding)),
        task=cut(finding.task or "", _TITLE),
        owner=_owner(finding),
        priority=cut(finding.priority or ""),
        field=cut(finding.field or "") if is_drift else "",
        markdown=cut(markdown),
        database=cut(database),
        text=cut((finding.reason or "") if is_drift else detail_without_item(finding)),
        value=cut(offender_value(rule, finding)),
        where=cut("; ".join(map(str, finding.places[:_PLACES]))),
        remark=cut(remark),
        rule=cut(name),
    )


def sides(markdown: str | None, database: str | None) -> tuple[str, str]:
    """Return what both queues have, long texts with their difference marked, and `-` where one has nothing."""
    if markdown is None or database is None:
        return NOTHING if markdown is None else markdown, NOTHING if database is None else database
    return excerpts(markdown, database)


def _owner(finding: Finding) -> str:
    if finding.task is None:
        return ""
    return "no owner" if finding.owner in (None, "", NOTHING) else cut(finding.owner or "")


def known(report: Report, room: int) -> tuple[list[Row], int]:
    """Return what is known, as far as there is room, and how many listed findings are left out."""
    found = list(known_rows(report))
    rows = fitting_rows((_known_row(*each) for each in found), room)
    return rows, len(found) - len(rows)


def _known_row(rule: RuleResult, finding: Finding | None, since: str) -> Row:
    if finding is not None:
        return finding_row(rule, finding, since, rule.id)
    return Row("", "", "", "", "", "", "", cut(rule.message), "", "", since, cut(rule.id))


def waived(report: Report, room: int) -> tuple[list[Row], int]:
    """Return what a waiver holds for, as far as there is room, and how many are left out."""
    found = [(rule, each) for rule in worst_first(report) for each in rule.waived]
    rows = fitting_rows((finding_row(rule, each, each.suppressed or "", rule.id) for rule, each in found), room)
    return rows, len(found) - len(rows)
