"""A rule of a project's own: what a policy says of it, and the `Rule` that reports and waivers know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.findings import OWN
from ops_checks.rules.counting import counting_rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.findings import Finding
    from ops_checks.rules.rule import Rule

#: What a rule in Python may ask for: the items of a queue, the events of the database, the runs of the log.
ITEMS, EVENTS, RUNS = "items", "events", "runs"
NEEDS = (ITEMS, EVENTS, RUNS)
OFF = "off"


class OwnRule(Struct, frozen=True, kw_only=True):
    """One entry of a policy's `rules` that is no built-in rule's.

    `severity` is `error`, `warning` or `off`. `sql` is a statement whose rows are findings, `python` names a function
    as `package.module:function`; with neither, `id` names an installed entry point. `needs` are those of NEEDS that a
    function asks for. `line` is where the entry stands in the policy, `code_line` where its code does;
    `code_lines`: the lines of the code are those of the policy from there on.
    """

    id: str
    title: str = ""
    help: str = ""
    severity: str = "error"
    sql: str | None = None
    python: str | None = None
    needs: tuple[str, ...] = (ITEMS,)
    line: int | None = None
    code_line: int | None = None
    code_lines: bool = False


class OwnFindings(Struct):
    """What rules of one's own found, by rule: how many, those of them that were kept, and in how many rows or lines."""

    counts: Mapping[str, int]
    findings: Mapping[str, Sequence[Finding]]
    read: Mapping[str, int] = {}
    unlisted: Mapping[str, Sequence[Finding]] = {}


def own_rule(own: OwnRule) -> Rule:
    """Return the Rule of an own one: any finding violates it."""
    return counting_rule(
        id=own.id,
        group=OWN.id,
        title=own.title or own.id,
        help=own.help or "A rule of this project, from its policy.",
        counted=own.title or "findings",
        samples=lambda found: found.read.get(own.id, 0),
        severity="error" if own.severity == OFF else own.severity,
    )
