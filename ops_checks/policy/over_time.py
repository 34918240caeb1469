"""The sections `kpi.regression` and `kpi.budgets` of a policy: what they say, and what no schema can say of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ops_checks.policy.earlier_windows import EARLIER, WEEK_S
from ops_checks.rules.kpi.budget import Budget
from ops_checks.rules.kpi.over_time import rules_over_time
from ops_checks.rules.kpi.regression import COMPARED, LAST_WEEK, PREVIOUS, Regression
from ops_checks.timestamps import duration_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.policy.document import Path

_OBJECTIVE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?)% over ([1-9][0-9]{0,2})d")
_WINDOWS = "a time span as kpi.window, such as `24h` or `7d`"
_MOST = ("max_increase", "max_decrease")


def regressions(section: Mapping[str, Any]) -> tuple[Regression, ...]:
    """Return the limits on changes of a valid section, in the order of the metrics that can be compared."""
    return tuple(_regression(metric, section[metric]) for metric in COMPARED if metric in section)


def _regression(metric: str, entry: Mapping[str, Any]) -> Regression:
    options = {name: value for name, value in entry.items() if name not in _MOST}
    most = next(entry[name] for name in _MOST if name in entry)
    if isinstance(most, str):
        return Regression(metric, float(most.removesuffix("%")), relative=True, **options)
    return Regression(metric, float(most), **options)


def budgets(section: Iterable[Mapping[str, Any]]) -> tuple[Budget, ...]:
    """Return the objectives of a valid section."""
    return tuple(budget for budget in map(_budget, section) if budget is not None)


def _budget(entry: Mapping[str, Any]) -> Budget | None:
    """Return the objective of an entry, None for one that says none."""
    found = _OBJECTIVE.fullmatch(str(entry.get("objective")))
    if found is None:
        return None
    least = {"min_samples": int(entry["min_samples"])} if "min_samples" in entry else {}
    return Budget(float(found[1]), int(found[2]), str(entry.get("name", "")), **least)


def over_time_checks(kpi: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Yield path and message of each defect of the sections that the schema does not find."""
    given = kpi.get("regression")
    if isinstance(given, dict):
        yield from _regression_checks(given, kpi)
    names: dict[object, int] = {}
    for index, entry in _entries(kpi):
        first = names.setdefault(entry.get("name", ""), index)
        if first != index:
            where = ("kpi", "budgets", index, *(("name",) if "name" in entry else ()))
            yield where, f"kpi.budgets.{first} has the same name; expected another one for each budget but one"


def _regression_checks(section: Mapping[str, object], kpi: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    window = kpi.get("window")
    window_s = duration_s(window) if isinstance(window, str) else None
    for metric, entry in section.items():
        if not isinstance(entry, dict):
            continue
        against = str(entry.get("against", LAST_WEEK))
        why = uncomparable(against, window_s, begins=window is not None or "since" in kpi)
        if why:
            yield ("kpi", "regression", metric, *(("against",) if "against" in entry else ())), why


def uncomparable(against: str, window_s: float | None, *, begins: bool) -> str | None:
    """Return why a window cannot be compared with an earlier one, None where it can; `begins`: it has a beginning."""
    if against in EARLIER and not begins:
        return f"no window is set that could be compared with an earlier one; expected {_WINDOWS}"
    if against == LAST_WEEK and (window_s or 0) > WEEK_S:
        return f"{LAST_WEEK} overlaps with a window of more than 7d; expected `{PREVIOUS}`, or a window of at most 7d"
    return None


def _entries(kpi: Mapping[str, object]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    entries = kpi.get("budgets")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield index, entry


def ids_over_time(kpi: Mapping[str, object]) -> tuple[str, ...]:
    """Return the ids of the rules that the sections make, as far as they can be read."""
    section = kpi.get("regression")
    metrics = [metric for metric in COMPARED if isinstance(section, dict) and metric in section]
    found = (_budget(entry) for _, entry in _entries(kpi))
    made = rules_over_time(
        (Regression(metric, 0.0) for metric in metrics), (budget for budget in found if budget is not None)
    )
    return tuple(rule.id for rule in made)
