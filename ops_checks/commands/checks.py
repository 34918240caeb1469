"""The checks on the command line: consistency-check, kpi, check, report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.errors import InputError, UsageError
from ops_checks.policy import Policy
from ops_checks.text import visible, without_commands

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from ops_checks.commands import Call
    from ops_checks.policy import KpiPolicy
    from ops_checks.report import Report

_DRIFT = 1
_ALERT = 2
_COULD_NOT_RUN = 3


def consistency_check(call: Call) -> tuple[int, Iterable[str]]:
    """Return the lines of `consistency-check`, or its report in the formats that were asked for.

    It tells what is, whatever a policy waives or weighs less: that is the gate's.
    """
    from ops_checks.gate import compare
    from ops_checks.lines import consistency_lines
    from ops_checks.queues import open_database, open_markdown

    settings, args = call.settings(), call.args
    policy = settings.policy or Policy()
    rules = replace(policy.consistency, fields=args.fields or policy.consistency.fields, severity={})
    if args.format:
        return _show(call, _gate(call, replace(policy, consistency=rules, waivers=()), "consistency"))
    drift = compare(
        open_markdown(settings.queue, lock_timeout_s=call.lock_timeout_s, progress=call.progress),
        open_database(settings.db, lock_timeout_s=call.lock_timeout_s),
        fields=rules.fields,
        ignore_statuses=rules.ignore_statuses,
        keep=args.max_details,
    )
    call.warn(drift.remarks)
    return (0 if drift.clean else _DRIFT), consistency_lines(drift)


def kpi(call: Call) -> tuple[int, Iterable[str]]:
    """Return the lines of `kpi`, or its report in the formats that were asked for; exit 2 only with --fail-on-alert."""
    from ops_checks.gate.kpis import judge, must_be_read
    from ops_checks.gate.run import exit_code, weighed
    from ops_checks.lines import kpi_lines

    settings, args = call.settings(), call.args
    policy = _with_limits(settings.policy or Policy(), args)
    if args.format:
        code, lines = _show(call, _gate(call, replace(policy, waivers=()), "kpi"))
        return (0 if code == _ALERT and not args.fail_on_alert else code), lines
    kpis = judge(
        settings,
        policy.kpi,
        now_s=call.now_s,
        lock_timeout_s=call.lock_timeout_s,
        details=False,
        progress=call.progress,
    )
    call.warn(kpis.remarks)
    rules = [weighed(must_be_read(rule), policy.kpi.on_insufficient, "error") for rule in kpis.rules]
    call.remarks += [f"error: {rule.message}" for rule in rules if rule.verdict == "error"]
    code = exit_code(rules)
    lines = kpi_lines({metric.name: metric.value for metric in kpis.metrics}, rules)
    return (0 if code == _ALERT and not args.fail_on_alert else code), lines


def check(call: Call) -> tuple[int, Iterable[str]]:
    """Run the gate and show its report; with --exit-zero only what could not be evaluated has an exit code."""
    policy = _with_limits(call.settings().policy or Policy(), call.args)
    code, lines = _show(call, _gate(call, policy, call.args.only))
    return (0 if call.args.exit_zero and code < _COULD_NOT_RUN else code), lines


def report(call: Call) -> tuple[int, Iterable[str]]:
    """Show a saved report. Raises InputError if it is none."""
    from ops_checks.report.saved import parse_report

    path = call.args.file
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            text = file.read(_LARGEST_REPORT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{visible(path)}: cannot be read ({reason}): name a saved report") from error
    if len(text) > _LARGEST_REPORT:
        raise InputError(f"{visible(path)}: over 256 MB: expected a saved report")
    return 0, _show(call, parse_report(text, path))[1]


_LARGEST_REPORT = 1 << 28


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _gate(call: Call, policy: Policy, only: str | None) -> Report:
    from ops_checks.gate.run import run_gate

    found = run_gate(
        call.settings(),
        policy,
        now_s=call.now_s,
        only=only,
        fail_level=getattr(call.args, "fail_level", "error"),
        lock_timeout_s=call.lock_timeout_s,
        progress=call.progress,
    )
    call.warn(found.notes)
    call.remarks += [f"error: {error}" for error in found.errors]
    return found


def _with_limits(policy: Policy, args: Namespace) -> Policy:
    """Return the policy with the limits and fields that the command line names."""
    from ops_checks.gate.kpis import with_limits

    kpis: KpiPolicy = with_limits(
        policy.kpi,
        failure_rate=args.max_failure_rate,
        latency_p95_ms=args.max_latency_p95_ms,
        stale_in_progress=args.max_stale_in_progress,
        stale_minutes=args.stale_minutes,
    )
    fields = getattr(args, "fields", None) or policy.consistency.fields
    kpis = replace(kpis, log_cache=kpis.log_cache or args.log_cache)
    return replace(policy, kpi=kpis, consistency=replace(policy.consistency, fields=fields))


def _show(call: Call, found: Report) -> tuple[int, Iterable[str]]:
    """Render a report in the formats that were asked for: to their files, and what is for stdout as lines."""
    from ops_checks.formats import FORMATS, Setting
    from ops_checks.targets import Document, repository_root, write_target

    folder = os.getcwd()
    setting = Setting(color=_coloured(call), folder=folder, root=repository_root(folder, call.environ))
    shown: list[str] = []
    for name, target in _formats(call):
        text = FORMATS[name].render(found, setting)
        if target is None:
            shown.append(Document(_for_stdout(call, name, text)))
        else:
            write_target(target, text, append=FORMATS[name].append)
    return found.exit_code, shown


def _for_stdout(call: Call, name: str, text: str) -> str:
    """Return a rendered report as it is printed: in a log of GitHub only the format `github` gives commands."""
    if name == "github" or not call.environ.get("GITHUB_ACTIONS"):
        return text
    return "\n".join(without_commands(line) for line in text.split("\n"))


def _formats(call: Call) -> list[tuple[str, str | None]]:
    """Return formats and their targets (None: stdout). Raises UsageError where two documents would run together."""
    from ops_checks.formats import FORMATS

    chosen: list[tuple[str, str | None]] = call.args.format or []
    if not chosen:
        chosen = [("text", None)]
        if call.environ.get("GITHUB_ACTIONS"):
            chosen.append(("github", None))
        elif call.environ.get("GITLAB_CI"):
            chosen.append(("gitlab", "gl-code-quality-report.json"))
    on_stdout = [name for name, target in chosen if target is None]
    whole = [name for name in on_stdout if not FORMATS[name].append]
    if whole and len(on_stdout) > 1:
        raise UsageError(f"--format {whole[0]} is a whole document: give all but one format a file, as {whole[0]}=FILE")
    return chosen


def _coloured(call: Call) -> bool:
    """Tell whether to colour the text: by --color, then NO_COLOR and FORCE_COLOR, then by what stdout is."""
    choice = getattr(call.args, "color", "auto")
    if choice != "auto":
        return bool(choice == "always")
    if call.environ.get("NO_COLOR"):
        return False
    if call.environ.get("FORCE_COLOR"):
        return True
    return call.terminal and call.environ.get("TERM") != "dumb"
