"""The settings of a policy that decide what a rule measures, beside its limits: by them two runs can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from ops_checks.findings import CONSISTENCY, KPI, OWN, WAIVERS
from ops_checks.rules.drift.rules import DEFAULT_FIELDS
from ops_checks.rules.registry import RULES
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.policy.model import Policy
    from ops_checks.rules.own.model import OwnRule
    from ops_checks.rules.rule import Rule
    from ops_checks.rules.waivers import Waiver
    from ops_checks.timestamps import Zone

_WINDOW = ("kpi.window", "kpi.since", "kpi.until")
_COMMANDS, _LOG_AGE, _STALE, _ZONE = (
    "kpi.commands", "kpi.max_log_age", "kpi.stale_minutes", "timezone",
)  # fmt: skip
_FIELDS, _STATUSES, _RENDERED, _TRUTH = (
    "consistency.fields", "consistency.ignore_statuses", "consistency.as_rendered", "source_of_truth",
)  # fmt: skip
_REGRESSION, _BUDGETS = "kpi.regression", "kpi.budgets"
_WIP, _WAIT = "rules.wip-limit.max", "rules.priority-inversion.minutes"
#: What rules on changes and on budgets need: one more limit changes what the others show.
_OVER_TIME = (*_WINDOW, _COMMANDS, _ZONE, _REGRESSION, _BUDGETS)
#: What decides about all waivers, and before the id of a rule about those of it.
WAIVED = "waivers"
#: The settings that rules need beside those of their group.
_OF_RULE = {
    "unfinished-runs": _WINDOW,
    "retry-count": (*_WINDOW, _ZONE),
    "stale-in-progress": (_STALE, _ZONE),
    "oldest-pending-minutes": (_ZONE,),
    "wip-limit": (_WIP,),
    "priority-inversion": (_WAIT, _ZONE),
    "due-date-passed": (_ZONE,),
    "no-start-in-future": (_ZONE,),
}
_OF_GROUP = {CONSISTENCY.id: (_FIELDS, _STATUSES, _RENDERED, _TRUTH), WAIVERS.id: (WAIVED,)}


def measured_by(policy: Policy, zone: Zone) -> dict[str, Any]:
    """Return the settings of a policy that decide what is measured, by their key in it, as JSON values.

    Times are seconds, a zone is its name or its minutes east of UTC. A rule of one's own is a digest of its statement,
    or the name of its function; waivers are digests, for each rule and of all.
    """
    kpi, drift, rows = policy.kpi, policy.consistency, policy.rows
    waived = {waiver.rule for waiver in policy.waivers}
    return {
        **dict(zip(_WINDOW, (kpi.window_s, kpi.since, kpi.until), strict=True)),
        _COMMANDS: None if kpi.commands is None else sorted(map(visible, kpi.commands)),
        _LOG_AGE: kpi.max_log_age_s,
        _STALE: kpi.stale_minutes,
        _ZONE: zone if isinstance(zone, int) else zone.name,
        _FIELDS: sorted(drift.fields or DEFAULT_FIELDS),
        _STATUSES: sorted(drift.ignore_statuses),
        _RENDERED: drift.as_rendered,
        _TRUTH: policy.source_of_truth,
        _WIP: rows.most_in_progress,
        _WAIT: rows.most_minutes,
        **{_own_key(own.id): _code(own) for own in policy.own},
        **{_waived_key(rule): _digest(each for each in policy.waivers if each.rule == rule) for rule in sorted(waived)},
        **({WAIVED: _digest(policy.waivers)} if policy.waivers else {}),
        **({_REGRESSION: list(map(to_builtins, kpi.regressions))} if kpi.regressions else {}),
        **({_BUDGETS: list(map(to_builtins, kpi.budgets))} if kpi.budgets else {}),
    }


def settings_of(rule: Rule) -> tuple[str, ...]:
    """Return the keys of the settings that decide what a rule measures, its waivers left aside."""
    if rule.group == OWN.id:
        return (_own_key(rule.id),)
    if rule.group == KPI.id and rule.of_log:
        return (*_OF_RULE.get(rule.id, _of_log(rule) if rule.id in RULES else _OVER_TIME), _LOG_AGE)
    return _OF_RULE.get(rule.id, _OF_GROUP.get(rule.group, ()))


def is_windowed(rule: Rule) -> bool:
    """Return whether a rule measures what happened in a window, and not how things stand."""
    return _WINDOW[0] in settings_of(rule)


def waivers_of(rule: Rule) -> str:
    """Return the key of the waivers of a rule; without any, settings have no such key."""
    return _waived_key(rule.id)


def _of_log(rule: Rule) -> tuple[str, ...]:
    if rule.unit == "ms":
        return *_WINDOW, _COMMANDS
    return _WINDOW if rule.unit == "ratio" else ()


def _own_key(rule_id: str) -> str:
    return f"rules.{visible(rule_id)}"


def _waived_key(rule_id: str) -> str:
    return f"{WAIVED}.{visible(rule_id)}"


def _code(own: OwnRule) -> str:
    if own.sql is not None:
        return f"sql:{_digested(own.sql)}"
    return f"python:{visible(own.python or own.id)}:{','.join(own.needs)}"


def _digest(waivers: Iterable[Waiver]) -> str:
    """Return a digest of what waivers suppress, and until when; why and by whom changes nothing."""
    texts = sorted("\0".join((each.rule, each.item or "", each.field or "", each.expires)) for each in waivers)
    return _digested("\0\0".join(texts))


def _digested(text: str) -> str:
    from hashlib import sha256  # loads OpenSSL, which slows the start of every command

    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
