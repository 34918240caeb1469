"""Backtest a policy: what it would have said of past gate runs, or of each hour of a run log, and what it proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from ops_checks.errors import InputError, UsageError
from ops_checks.gate.asked import asked_for
from ops_checks.gate.replay import REPLAYED
from ops_checks.policy.measuring import is_windowed, measured_by, settings_of, waivers_of
from ops_checks.presentation.wording import plural
from ops_checks.rules.backtest import Condition, retell, tally
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold
from ops_checks.rules.suggestion import PastValue, suggest
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.gate.past_runs import PastRun
    from ops_checks.policy.model import Policy
    from ops_checks.report.gate_run import GateRun
    from ops_checks.rules.backtest import Retold, Tally
    from ops_checks.rules.rule import Rule
    from ops_checks.rules.suggestion import Suggestion


class Backtest(NamedTuple):
    """What a policy would have said: of each run, and how often each rule was violated; with remarks."""

    runs: tuple[Retold, ...]
    rules: tuple[Tally, ...]
    remarks: tuple[str, ...]


class Proposal(NamedTuple):
    """A proposed limit, and remarks on what it rests on."""

    suggestion: Suggestion
    remarks: tuple[str, ...]


def backtest(context: Context, past: Sequence[PastRun], names: Collection[str], *, is_replay: bool) -> Backtest:
    """Return what the policy of a context would have said of past runs, by the rules that `names` asks for, or all.

    Of a log that is replayed only the rules on its runs are told; the others are named. Raises UsageError for an id
    that nothing has, InputError where there is no run.
    """
    _must_have_runs(past)
    asked = _conditions(context, names)
    conditions = [each for each in asked if not is_replay or each.rule.id in REPLAYED]
    retold = tuple(retell(each.run, conditions, context.policy.kpi.on_insufficient) for each in past)
    if is_replay:
        retold = tuple(replace(each, was=None, blocked=None) for each in retold)
    others = [each.rule.id for each in asked if each not in conditions]
    remarks = [f"no log tells of {', '.join(map(visible, others))}: see a history"] if others else []
    unknown = sum(each.run.settings is None for each in past)
    if unknown:
        remarks.append(
            f"{plural(unknown, 'run does', 'runs do')} not say what was set then (kpi.window and the like): "
            "taken to be as in this policy"
        )
    return Backtest(retold, tuple(tally(retold, conditions)), tuple(remarks))


def propose(context: Context, past: Sequence[PastRun], metric: str, wanted: float, *, is_replay: bool) -> Proposal:
    """Return a limit of a metric that at most a share `wanted` of later runs is expected to be beyond.

    Raises UsageError for no metric, or one that no log tells of; InputError where no run has a value of it.
    """
    _must_have_runs(past)
    if metric not in BY_METRIC:
        expected = f"expected one of {', '.join(BY_METRIC)}"
        raise UsageError(f"--suggest {visible(metric)}: no such metric: {expected}{did_you_mean(metric, BY_METRIC)}")
    rule = BY_METRIC[metric]
    if is_replay and rule.id not in REPLAYED:
        raise UsageError(f"--suggest {visible(metric)}: no log tells of it: name a history with --history")
    condition = _condition(context.policy, rule, measured_by(context.policy, context.zone))
    alike = [each.run for each in past if condition.other_setting(each.run) is None]
    values = [value for run in alike if (value := _value(run, rule, condition.threshold.min_samples))]
    if not values:
        raise InputError(f"{metric}: no value of it in {plural(len(past), 'run', 'runs')}: name runs that measured it")
    operator = ">=" if rule.min_is_short else "<="
    found = suggest(metric, rule.unit, operator, values, wanted)
    return Proposal(found, tuple(_remarks(found, rule, len(past), len(alike))))


def _must_have_runs(past: Sequence[PastRun]) -> None:
    if not past:
        raise InputError("no run to test the policy with: name a history or a log that has some, or another time")


def _conditions(context: Context, names: Collection[str]) -> list[Condition]:
    """Return the rules that are asked for and on, as the policy has them."""
    policy = context.policy.asking_for(names)
    settings = measured_by(policy, context.zone)
    rules = policy.active_rules()
    if names:
        rules = [rule for asked in asked_for(policy, names, None) for rule in asked.rules]
    return [_condition(policy, rule, settings) for rule in rules]


def _condition(policy: Policy, rule: Rule, settings: Mapping[str, Any]) -> Condition:
    """Return a rule as a policy has it that measures by some settings."""
    needed = {key: settings.get(key) for key in settings_of(rule)}
    waivers = waivers_of(rule)
    return Condition(rule, policy.threshold(rule) or Threshold(), needed, waivers, settings.get(waivers))


def _value(run: GateRun, rule: Rule, min_samples: int) -> PastValue | None:
    """Return the value of a metric in a run; one of too few samples would have been no alarm."""
    found = run.metric(rule.metric)
    if found is None or found.value is None or found.samples < min_samples:
        return None
    since_ms = run.window.begin_ms if run.window else None
    return PastValue(run.at_ms, found.value, since_ms if is_windowed(rule) else run.at_ms)


def _remarks(found: Suggestion, rule: Rule, past: int, alike: int) -> list[str]:
    remarks = []
    if alike < past:
        remarks.append(f"{plural(past - alike, 'run was', 'runs were')} measured by other settings: left out")
    if found.runs < alike:
        remarks.append(f"{plural(alike - found.runs, 'run has', 'runs have')} too few samples for a value: left out")
    if found.runs < found.needed:
        few = f"so rare takes {plural(found.needed, 'run', 'runs')}: this is the most extreme of {found.runs}"
        remarks.append(f"--false-alarms {found.wanted:.3g}: {few}")
    if not is_windowed(rule):
        remarks.append(f"{found.metric} is a state: runs near each other are alike, and the interval is too narrow")
    elif found.independent < found.runs:
        apart = f"{found.independent} of the {found.runs} runs, of which no two have runs of the log in common"
        remarks.append(f"the windows overlap: the rate rests on {apart}")
    return remarks
