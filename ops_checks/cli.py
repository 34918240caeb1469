"""The command line: arguments in, one call, text out. Only here is printed, and clock and environment are read."""

from __future__ import annotations

import os
import sys

from ops_checks import __version__
from ops_checks.errors import OpsError, RefusedError
from ops_checks.text import visible, without_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

    from ops_checks.overview import Summary
    from ops_checks.policy import Policy
    from ops_checks.queues import Queue, View
    from ops_checks.settings import Settings

_DRIFT = 1
_ALERT = 2
_USAGE = 4
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (FORMATS section 7). `argv` defaults to the process's arguments."""
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
    except OpsError as error:
        _complain("error: " + error.message, *("  " + line for line in error.details))
        code = error.exit_code
    except KeyboardInterrupt:
        _complain("error: interrupted")
        code = _INTERRUPTED
    return code if _flushed() else 3


def _run(argv: Sequence[str]) -> int:
    from ops_checks.arguments import parse

    try:
        args = parse(argv, __version__)
    except SystemExit as stop:  # --help and --version have printed what they are for
        return int(stop.code or 0)
    code, lines = _COMMANDS[args.command](args)
    _print(lines)
    return code


def _status(args: Namespace) -> tuple[int, Iterable[str]]:
    from ops_checks.formats.lines import status_lines

    return 0, status_lines(_summary(args))


def _workers(args: Namespace) -> tuple[int, Iterable[str]]:
    from ops_checks.formats.lines import workers_lines
    from ops_checks.overview import workers

    in_progress = _summary(args).in_progress
    return 0, workers_lines(workers(in_progress), len(in_progress))


def _summary(args: Namespace) -> Summary:
    from ops_checks.gate import look
    from ops_checks.overview import summarise

    def take(view: View) -> tuple[Summary, list[str]]:
        return summarise(view.items()), view.remarks()

    summary, remarks = look(_backend(args, _settings(args)), take)
    _warn(remarks)
    return summary


def _consistency_check(args: Namespace) -> tuple[int, Iterable[str]]:
    from ops_checks.formats.lines import consistency_lines
    from ops_checks.gate import compare
    from ops_checks.queues import open_database, open_markdown

    settings = _settings(args, queue=args.queue_path, db=args.db_path)
    rules = settings.policy.consistency if settings.policy else None
    drift = compare(
        open_markdown(settings.queue, lock_timeout_s=_lock_timeout(args)),
        open_database(settings.db, lock_timeout_s=_lock_timeout(args)),
        fields=args.fields or (rules.fields if rules else None),
        ignore_statuses=rules.ignore_statuses if rules else frozenset(),
        keep=args.max_details,
    )
    _warn(drift.remarks)
    return (0 if drift.clean else _DRIFT), consistency_lines(drift)


def _mutate(args: Namespace) -> tuple[int, Iterable[str]]:
    import time

    from ops_checks import operations
    from ops_checks.settings import retry_backoff

    settings = _settings(args)
    queue = _writable(args, settings)
    stamp = operations.Stamp(actor=args.actor or _login_name(), now_s=time.time(), tz_minutes=settings.tz_minutes)
    if args.command == "cancel":
        decide = operations.cancel(stamp)
    elif args.command == "replan":
        decide = operations.replan(stamp, args.notes)
    else:
        decide = operations.retry(stamp, retry_backoff(os.environ))
    change = (queue.preview if args.dry_run else queue.change)(args.id, decide)
    if args.dry_run:
        _complain("dry run: nothing was written")
    return 0, [f"{change.after.id} -> {change.after.status}"]


def _writable(args: Namespace, settings: Settings) -> Queue:
    """Return the queue to change, or refuse if it is only to be read."""
    from ops_checks.settings import markdown_read_only

    queue = _backend(args, settings)
    if queue.kind != "md":
        return queue
    if settings.source_of_truth == "db":
        raise RefusedError(f"{visible(queue.path)}: is a view of the database, by the policy: change it with --db")
    if markdown_read_only(os.environ):
        raise RefusedError(
            f"{visible(queue.path)}: read-only by ORCH_QUEUE_MD_READ_ONLY: change the database with --db"
        )
    return queue


def _backend(args: Namespace, settings: Settings) -> Queue:
    """Return the store that a command works on: `--db` chooses it, or the policy's source of truth."""
    from ops_checks.queues import open_database, open_markdown

    if "db" in args or ("queue" not in args and settings.source_of_truth == "db"):
        return open_database(settings.db, lock_timeout_s=_lock_timeout(args))
    return open_markdown(settings.queue, lock_timeout_s=_lock_timeout(args))


def _settings(args: Namespace, *, queue: str | None = None, db: str | None = None) -> Settings:
    from ops_checks.settings import resolve

    logs = getattr(args, "log_path", None) or ()
    return resolve(
        os.environ,
        _policy(args),
        queue=queue or getattr(args, "queue", None),
        db=db or getattr(args, "db", None),
        logs=tuple(logs),
    )


def _policy(args: Namespace) -> Policy | None:
    """Return the policy that was named, or the one in the current folder, or None."""
    from ops_checks.settings import DEFAULT_POLICY

    path = getattr(args, "policy", None)
    if path is None and not os.path.lexists(DEFAULT_POLICY):
        return None
    from ops_checks.policy import load_policy

    return load_policy(path or DEFAULT_POLICY)


def _lock_timeout(args: Namespace) -> float:
    from ops_checks.queues import DEFAULT_LOCK_TIMEOUT_S

    return float(getattr(args, "lock_timeout", DEFAULT_LOCK_TIMEOUT_S))


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"uid:{os.getuid()}"


def _print(lines: Iterable[str]) -> None:
    """Write results to stdout, each line safe for a terminal and a CI system's log."""
    sys.stdout.write("".join(_safe(line) + "\n" for line in lines))


def _complain(*lines: str) -> None:
    sys.stderr.write("".join(_safe(line) + "\n" for line in lines))


def _warn(remarks: Iterable[str]) -> None:
    _complain(*("warning: " + remark for remark in remarks))


def _safe(line: str) -> str:
    shown = visible(line)
    return without_commands(shown) if os.environ.get("GITHUB_ACTIONS") else shown


def _flushed() -> bool:
    """Write out what is left. A reader that has gone is no failure (`| head -1`); a full disk is one."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _complain(f"error: stdout: cannot be written ({error.strerror})")
        return False
    return True


_COMMANDS = {
    "status": _status,
    "workers": _workers,
    "consistency-check": _consistency_check,
    "cancel": _mutate,
    "replan": _mutate,
    "retry": _mutate,
}
