"""The verdict of a gate run: one pure function from the results of its rules and the errors (FORMATS section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.exit_codes import ALERT, NOT_EVALUATED, OK, ExitCode
from ops_checks.findings import GROUPS, WAIVERS, Verdict
from ops_checks.rules.registry import ERRORS, RULES
from ops_checks.rules.rule import counts_as
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.policy.model import Policy
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.rule import Rule

_NOTHING_JUDGED = (
    "nothing was judged: every rule that was asked for is off: switch one on in the policy, or ask for another check"
)
_WORST_LAST = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.ERROR)


class Decision(Struct, frozen=True):
    """What a gate run ends in. There are errors if and only if the verdict is `error` and the exit code 3."""

    verdict: Verdict
    exit_code: ExitCode
    errors: tuple[str, ...]
    notes: tuple[str, ...]


def decide(
    asked: Sequence[str], results: Sequence[RuleResult], errors: Sequence[str], rules: Mapping[str, Rule] = RULES
) -> Decision:
    """Return the decision by the concluded results of the rules, and by the errors of reading the inputs.

    `asked` are the ids of the groups that were asked for: one of which no rule is on is said to be off, and where
    that is all of them nothing was judged, which is an error. What could not be evaluated comes before drift,
    drift before an alert. `rules` are all that there are.
    """
    judged = {result.group for result in results}
    off = [group for group in asked if group not in judged]
    wrong = [*errors, *(result.message for result in results if result.effect is Verdict.ERROR)]
    if len(off) == len(asked):
        wrong.append(_NOTHING_JUDGED)
    if wrong:
        verdict, code = Verdict.ERROR, NOT_EVALUATED
    else:
        verdict = max((result.effect for result in results), key=_WORST_LAST.index)
        failed = [result for result in results if result.effect is Verdict.FAIL]
        code = min({code for result in failed for code in _exit_codes(result, judged, rules)}, default=OK)
    notes = tuple(f"{group}: every rule of it is off: nothing of it was judged" for group in off)
    return Decision(verdict, code, tuple(dict.fromkeys(wrong)), notes)


def _exit_codes(result: RuleResult, judged: set[str], rules: Mapping[str, Rule]) -> set[ExitCode]:
    """Return the exit codes that a failed result stands for; too little data is no drift.

    An expired waiver stands for those of the rules it was for, as far as their checks ran, else for those that ran.
    """
    if result.verdict is Verdict.INSUFFICIENT:
        return {ALERT}
    if result.group != WAIVERS.id:
        return {GROUPS[result.group].exit_code}
    waived = {rules[each.trace].group for each in result.findings if each.trace and each.trace in rules}
    return {GROUPS[group].exit_code for group in waived & judged or judged - {WAIVERS.id}}


def conclude(result: RuleResult, policy: Policy, fail_level: str) -> RuleResult:
    """Return a result with what it counts as in the whole; one that cannot be relied on is an `error`.

    That is a finding of a rule that the registry does not know, and malformed lines that break their limit: an input
    is malformed, so that its metrics may miss runs. A violation that only warns stays (FORMATS sections 3 and 7); so
    does one without a line to point at, of a policy that wants at least so many malformed lines.
    """
    known = policy.rules
    strangers = [each.rule for each in result.findings if each.rule != result.id or each.rule not in known]
    if strangers:
        kind = "another rule" if strangers[0] in known else "the unknown rule"
        message = f"{visible(result.id)}: a finding of {kind} {visible(strangers[0])}: report it to ops-checks"
        result = replace(result, verdict=Verdict.ERROR, message=message)
    elif result.id in ERRORS and result.verdict is Verdict.FAIL and result.live:
        result = replace(result, verdict=Verdict.ERROR, message=_malformed_message(result))
    return replace(result, counts_as=counts_as(result, policy.kpi.on_insufficient, fail_level))


def _malformed_message(result: RuleResult) -> str:
    first = result.live[0]
    more = f" (and {result.value - 1:g} more malformed lines)" if result.value and result.value > 1 else ""
    known = first.reason if first.reason and first.reason not in first.message else None
    return (
        f"{visible(str(first.places[0]))}: {first.message}{more}: {known or 'mend its writer, then set the line aside'}"
    )
