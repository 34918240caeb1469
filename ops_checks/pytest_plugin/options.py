"""Resolve the inputs of a session: paths, policy and limits (FORMATS section 8)."""

from __future__ import annotations

import math
import os
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from ops_checks.errors import UsageError
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.gate.run_history import history_of, must_be_writable
from ops_checks.policy.search import find_policy
from ops_checks.pytest_plugin.repeated import refuse_repeated
from ops_checks.report.saved import read_report
from ops_checks.rules.known import Known
from ops_checks.rules.registry import BY_METRIC
from ops_checks.runlog.engines import is_log_url, parse_engine
from ops_checks.sanitize import visible
from ops_checks.settings import resolve
from ops_checks.stores.registry import is_url, located
from ops_checks.timestamps import TIMES, duration_s, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from ops_checks.context import Context
    from ops_checks.gate.run_history import RunHistory
    from ops_checks.policy.search import FoundPolicy

_ENVIRONMENT_PATHS = ("ORCH_QUEUE_MD", "ORCH_DB_PATH", "ORCH_LOG_PATH")
#: The option of each rule's limit, by metric.
LIMIT_OPTIONS = {metric: rule.option for metric, rule in BY_METRIC.items() if rule.option}
_STALE_MINUTES = "--stale-minutes"
#: The option of `ops-checks check` for each option of the session.
_SAME_OPTION = {
    "--queue-policy": "--policy",
    "--queue-path": "--queue-path",
    "--queue-db": "--db-path",
    "--queue-engine": "--engine",
    "--queue-window": "--window",
    "--queue-since": "--since",
    "--queue-until": "--until",
    "--queue-snapshot": "--snapshot",
    "--queue-known": "--known",
    **{option: option for option in LIMIT_OPTIONS.values()},
    _STALE_MINUTES: _STALE_MINUTES,
}
#: The option of each format in which the session's report is written.
_REPORT_OPTIONS = {"json": "--queue-report", "html": "--queue-html"}
#: Where pytest's JUnit report and that of pytest-html are named, and their options.
_PYTEST_HTML = "htmlpath"
_OTHERS_OPTIONS = {"xmlpath": "--junitxml", _PYTEST_HTML: "--html"}
_LONGEST_COUNT = 15  # digits: exact as a float too


class Inputs(Struct, frozen=True):
    """The inputs of a session and the context that evaluates them.

    Every path of the context is relative to `rootdir` (absolute), or absolute if it lies outside. `command` is
    the command line of the same checks; `reports` are what the report is written to, by format. `guard` guards what is
    written. `shows_background`: a page of the report is made.
    `history` is what the run is appended to, None for nothing.
    """

    rootdir: str
    context: Context
    reports: dict[str, Output]
    command: str
    guard: OutputGuard
    shows_background: bool = False
    history: RunHistory | None = None


def read_inputs(config: pytest.Config) -> Inputs:
    """Return the inputs of a session. Raises UsageError for a bad policy, option or environment, InputError.

    The latter for a known report that is none.
    """
    refuse_repeated(config)
    rootdir = str(config.rootpath)
    here = str(config.invocation_params.dir)
    environ = dict(os.environ)
    for name in _ENVIRONMENT_PATHS:  # unlike the options, relative to the current folder, as in every command
        if environ.get(name) and not is_url(environ[name]) and not is_log_url(environ[name]):
            environ[name] = shown_path(environ[name], rootdir, here)
    with in_folder(rootdir):
        context = resolve(
            environ,
            policy_path=_path(config, "--queue-policy", rootdir),
            find=_find_policy,
            queue=_path(config, "--queue-path", rootdir),
            db=_path(config, "--queue-db", rootdir),
            logs=_logs(config, rootdir),
            limits=_limits(config),
            stale_minutes=_count(config, _STALE_MINUTES),
            engine=_engine(config),
            window_s=_window(config),
            since=_time(config, "--queue-since"),
            until=_time(config, "--queue-until"),
            from_below=False,
            snapshot=_path(config, "--queue-snapshot", rootdir),
        )
        known = _path(config, "--queue-known", rootdir)
        if known is not None:
            context = context.with_known(Known(known, read_report(known)))
    context.queue = shown_path(context.queue, rootdir)
    context.db = shown_path(context.db, rootdir)
    context.logs = tuple(shown_path(log, rootdir) for log in context.logs)
    reports = _reports(config, rootdir)
    history = history_of(context, _path(config, "--queue-history", rootdir), "--queue-history")
    kept = [history.path] if history else []
    guard = OutputGuard(lambda: [*input_files(context), *kept], [*reports.values(), *_others(config, here)])
    with in_folder(rootdir):
        guard.check()
        if history:
            must_be_writable(history, lambda: input_files(context))
    command = _command(config, rootdir, here)
    return Inputs(rootdir, context, reports, command, guard, _shows_background(config, reports), history)


def _find_policy() -> FoundPolicy:
    """Return the nearest policy from the rootdir up; the path of one above it is absolute, as all outside of it are."""
    path, notes = find_policy()
    return os.path.abspath(path) if path and path.startswith("../") else path, notes


def setting(config: pytest.Config, option: str) -> object:
    """Return the value of an option, or else of its ini key; None (or False) where neither is set.

    Raises UsageError for an ini value of another type.
    """
    name = option.removeprefix("--").replace("-", "_")
    given = config.getoption(name)
    if given is not None:
        return cast("object", given)
    try:
        return cast("object", config.getini(name))
    except (TypeError, ValueError) as error:  # as pytest before 9.2 raises them for a number where a text is wanted
        raise UsageError(visible(str(error))) from error


@contextmanager
def in_folder(path: str) -> Iterator[None]:
    """Run the block in a folder, whatever folder a test has changed to; a report's paths are relative to it."""
    try:
        stay = os.path.samefile(os.curdir, path)
    except OSError:  # the current folder is gone
        stay = False
    if stay:
        yield
        return
    before = os.open(os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(path)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def shown_path(path: str, rootdir: str, base: str | None = None) -> str:
    """Return a path as the session reports it: relative to the rootdir if it lies inside, else absolute.

    `base` is the folder that a relative path is relative to, by default the rootdir.
    """
    if is_url(path) or is_log_url(path):
        return path
    absolute = os.path.normpath(os.path.join(base or rootdir, path))
    return absolute.removeprefix(os.path.join(rootdir, ""))


def _path(config: pytest.Config, option: str, rootdir: str) -> str | None:
    given = cast("str | None", setting(config, option))
    return None if given is None else shown_path(_must_be_path(option, given), rootdir)


def _logs(config: pytest.Config, rootdir: str) -> tuple[str, ...]:
    given = cast("list[str] | None", setting(config, "--queue-log"))
    return tuple(shown_path(_must_be_path("--queue-log", path), rootdir) for path in given or ())


def _engine(config: pytest.Config) -> str | None:
    """Return what is to read the log, None where no option says. Raises UsageError for no engine."""
    given = cast("str | None", setting(config, "--queue-engine"))
    if given is not None:
        try:
            parse_engine(given)
        except UsageError as error:
            raise UsageError(f"--queue-engine: {error.message}") from error
    return given


def _must_be_path(option: str, text: str) -> str:
    if not text.strip() or "\0" in text:
        raise UsageError(f"{option}: expected a path, found nothing")
    return text


def _limits(config: pytest.Config) -> dict[str, float]:
    """Return the limits that the session's options set, by metric. Raises UsageError."""
    read = {metric: _rate if BY_METRIC[metric].unit == "ratio" else _count for metric in LIMIT_OPTIONS}
    given = {metric: read[metric](config, option) for metric, option in LIMIT_OPTIONS.items()}
    return {metric: limit for metric, limit in given.items() if limit is not None}


def _rate(config: pytest.Config, option: str) -> float | None:
    text = cast("str | None", setting(config, option))
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (0 <= rate <= 1 and text.isascii() and "_" not in text):
        raise UsageError(f"{option}: expected a number from 0 to 1, found {text!a}")
    return rate


def _count(config: pytest.Config, option: str) -> int | None:
    text = cast("str | None", setting(config, option))
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT):
        raise UsageError(f"{option}: expected a whole number from 0, found {text!a}")
    return int(text)


def _window(config: pytest.Config) -> int | None:
    """Return the seconds of the window, None where no option says. Raises UsageError for none."""
    text = cast("str | None", setting(config, "--queue-window"))
    window_s = None if text is None else duration_s(text)
    if text is not None and not window_s:
        raise UsageError(f"--queue-window: expected a time span such as 90s, 15m, 2h or 7d, found {text!a}")
    return window_s


def _time(config: pytest.Config, option: str) -> str | None:
    """Return a time as it is written, None where no option says. Raises UsageError for none."""
    text = cast("str | None", setting(config, option))
    if text is not None and moment(text.strip(), 0, 0) is None:
        raise UsageError(f"{option}: expected {TIMES}, found {text!a}")
    return None if text is None else text.strip()


def _command(config: pytest.Config, rootdir: str, here: str) -> str:
    """Return the command line that runs the same gate, quoted for the shell and folder that ran pytest.

    A database on a server is named as people are shown it, not by where it is.
    """
    words = ["ops-checks", "check"]
    for option, name in _SAME_OPTION.items():
        given = setting(config, option)
        if given is not None:
            words += [name, located(str(given)) if option == "--queue-db" else str(given)]
    for path in _logs(config, rootdir):
        words += ["--log-path", path]
    command = shlex.join(words)
    return command if os.path.realpath(here) == os.path.realpath(rootdir) else f"cd {shlex.quote(rootdir)} && {command}"


def _reports(config: pytest.Config, rootdir: str) -> dict[str, Output]:
    """Return what the session's report is written to, by format. Raises UsageError for one that is not installed."""
    from ops_checks.formats import FORMATS

    paths = {name: _path(config, option, rootdir) for name, option in _REPORT_OPTIONS.items()}
    named = {name: path for name, path in paths.items() if path is not None}
    for name in named:
        FORMATS[name].require()
    return {name: Output(_REPORT_OPTIONS[name], path, FORMATS[name].begins) for name, path in named.items()}


def _shows_background(config: pytest.Config, reports: Iterable[str]) -> bool:
    """Return whether a format of the report shows what lies behind it; the report of pytest-html does."""
    from ops_checks.formats import FORMATS

    return bool(getattr(config.option, _PYTEST_HTML, None)) or any(FORMATS[name].background for name in reports)


def _others(config: pytest.Config, here: str) -> list[Output]:
    """Return other plugins' reports: they are written whatever stands there, but never over an input of ours."""
    paths = {option: getattr(config.option, name, None) for name, option in _OTHERS_OPTIONS.items()}
    return [
        Output(option, os.path.join(here, os.path.expanduser(os.path.expandvars(path))))
        for option, path in paths.items()
        if path
    ]
