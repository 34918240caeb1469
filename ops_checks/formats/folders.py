"""Paths as CI systems want them: relative to the repository, and never leading out of it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops_checks.formats import Setting
    from ops_checks.report import Finding, InputRead, Place, Report, RuleResult

#: Where a rule's findings stand when they name no place: the kind of input the rule reads.
_READS = {"consistency": "queue", "kpi": "log", "waivers": "policy"}


def inside(path: str, setting: Setting) -> str | None:
    """Return a path relative to the repository's root, with `/`, or None when it is outside of it (or its root)."""
    if "\0" in path or not path:
        return None
    whole = posixpath.normpath(posixpath.join(setting.folder, path))
    if posixpath.isabs(whole):
        root = posixpath.normpath(setting.root) if setting.root else ""
        if not root or not whole.startswith(root.rstrip("/") + "/"):
            return None
        whole = whole[len(root.rstrip("/")) + 1 :]
    return None if whole in {".", ".."} or whole.startswith("../") else whole


def first_line_inside(places: tuple[Place, ...], setting: Setting) -> tuple[str, Place] | None:
    """Return the first place that is a line of a file in the repository, with the file's path there."""
    lines = ((inside(place.path, setting), place) for place in places if place.line is not None)
    return next(((path, place) for path, place in lines if path is not None), None)


def stand_in(report: Report, rule: RuleResult | None, setting: Setting) -> str | None:
    """Return a file of the repository to show something at that has no place in it: an input, or the policy.

    Code scanning and code quality reports must name a file for everything they tell. Preferred is
    the kind of input that the rule reads; None if no input lies in the repository.
    """
    wanted = _READS.get(rule.group) if rule else None

    def rank(read: InputRead) -> bool:
        return read.kind != wanted

    paths = (inside(read.path, setting) for read in sorted(report.inputs, key=rank))
    return next((path for path in paths if path is not None), None)


def place_of(
    report: Report, rule: RuleResult, finding: Finding | None, setting: Setting
) -> tuple[str | None, int, int]:
    """Return path, line and column to show a finding (or a rule itself) at; line and column count from 1.

    The path is None when no input lies in the repository.
    """
    found = first_line_inside(finding.places, setting) if finding else None
    if found is None:
        return stand_in(report, rule, setting), 1, 1
    path, place = found
    return path, max(place.line or 1, 1), max(place.column or 1, 1)
