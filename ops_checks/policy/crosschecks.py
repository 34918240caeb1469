"""The rules on a policy that a schema cannot express: limits that contradict each other, days, locations."""

from __future__ import annotations

import re
from datetime import date
from operator import gt, lt
from typing import TYPE_CHECKING

from ops_checks.errors import UsageError
from ops_checks.policy.own_rules import entry_checks
from ops_checks.policy.window import window_defects
from ops_checks.stores.registry import located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.policy.document import Path

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: What is written as the name of a zone, as the schema has it.
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
#: A limit, the comparison with another limit that contradicts it, that limit, and what is expected instead.
_ORDERS = (
    ("min", gt, "max", "at most max, or no value passes"),
    ("warn_max", gt, "max", "at most max, or no warning comes first"),
    ("warn_min", lt, "min", "at least min, or no warning comes first"),
    ("warn_min", gt, "max", "at most max, or no value passes without a warning"),
    ("warn_min", gt, "warn_max", "at most warn_max, or no value passes without a warning"),
    ("min", gt, "warn_max", "at most warn_max, or no value passes without a warning"),
)


def crosschecks(value: object) -> Iterator[tuple[Path, str]]:
    """Yield path and message of each defect of a policy's value, whatever the schema says of it."""
    kpi = _mapping(_mapping(value).get("kpi"))
    if kpi.keys() & {"regression", "budgets"}:
        from ops_checks.policy.over_time import over_time_checks  # most policies have none

        yield from over_time_checks(kpi)
    for metric, limits in _mapping(kpi.get("thresholds")).items():
        path = ("kpi", "thresholds", metric)
        if isinstance(limits, dict):
            yield from (((*path, name), message) for name, message in _contradictions(limits))
    yield from _zone_defects(_mapping(value).get("timezone"))
    for name, message in window_defects(kpi):
        yield ("kpi", name), message
    waivers = _mapping(value).get("waivers")
    for index, waiver in enumerate(waivers if isinstance(waivers, list) else ()):
        expires = _mapping(waiver).get("expires")
        if isinstance(expires, str) and _DATE.fullmatch(expires) and not _is_date(expires):
            yield ("waivers", index, "expires"), f"{expires} is no day that exists; expected a day as YYYY-MM-DD"
    yield from entry_checks(value)
    for name in ("queue", "db"):
        try:
            located(str(_mapping(value).get(name, "")))
        except UsageError as error:
            yield (name,), error.message


def _zone_defects(zone: object) -> Iterator[tuple[Path, str]]:
    if isinstance(zone, str) and _ZONE.fullmatch(zone):
        from ops_checks.zones import name_defect  # most policies name an offset, or nothing

        defect = name_defect(zone)
        if defect is not None:
            yield ("timezone",), defect


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _contradictions(limits: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield name and message of each limit that no value can satisfy, or of each warning that comes too late."""
    given = {
        name: limit for name, limit in limits.items() if isinstance(limit, int | float) and not isinstance(limit, bool)
    }
    for name, contradicts, other, expected in _ORDERS:
        if name in given and other in given and contradicts(given[name], given[other]):
            yield name, f"{given[name]} contradicts {other} {given[other]}; expected {expected}"


def _is_date(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True
