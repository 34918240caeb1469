"""`pytest --queue-check`: every rule of the gate is a test. When off, it only registers its options.

Every pytest run imports this wherever the package is installed, so it imports nothing else of the package.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from typing import Any

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from ops_checks.pytest_plugin.reconciliation import Reconcile
    from ops_checks.pytest_plugin.rule_testing import RuleFindings
    from ops_checks.pytest_plugin.scratch import Checked, QueueStores
    from ops_checks.report.model import Report

#: The options that the checks alone read, as in OPTIONS; what opens a queue, the fixtures read too.
_OF_CHECKS = (
    ("--queue-report", "string", "PATH", "write the JSON report of the session here"),
    ("--queue-html", "string", "PATH", "write the session's report as a page here"),
    ("--queue-history", "string", "PATH", "append the gate's run to this history, a line of JSON"),
    ("--queue-known", "string", "PATH", "a saved JSON report: what it has too is known and fails nothing"),
    ("--max-failure-rate", "string", "RATE", "limit of the failure rate, from 0 to 1 (default: 0.2)"),
    ("--max-latency-p95-ms", "string", "MS", "limit of the 95th percentile of run times (default: 2000)"),
    ("--max-stale-in-progress", "string", "N", "how many items may be stale (default: 0)"),
)
#: Option (its ini name is the same with underscores), ini type, placeholder in the help, help.
OPTIONS = (
    ("--queue-check", "bool", "", "check the task queue: one test for each rule of the gate"),
    ("--queue-check-only", "bool", "", "check the task queue and leave out all other tests"),
    ("--queue-policy", "string", "PATH", "policy file (default: the nearest ops-checks.yaml from the rootdir up)"),
    ("--queue-path", "string", "PATH", "Markdown queue (default: automation/orchestrator/QUEUE.md)"),
    (
        "--queue-db",
        "string",
        "PATH",
        "queue database, or postgresql://… (default: automation/orchestrator/db/queue.db)",
    ),
    ("--queue-log", "linelist", "PATH", "run log; repeatable, may glob"),
    ("--queue-engine", "string", "NAME", "what reads the run log: local (default), spark or spark=MASTER"),
    ("--queue-window", "string", "SPAN", "KPIs of the last SPAN before --queue-until: 90s, 15m, 2h, 7d"),
    ("--queue-since", "string", "TIME", "KPIs from then on: 7d, HH:MM, YYYY-MM-DD, 'YYYY-MM-DD HH:MM'"),
    ("--queue-until", "string", "TIME", "KPIs before then (default: up to now)"),
    ("--queue-snapshot", "string", "PATH", "read this file of `ops-checks snapshot` in place of database and run log"),
    *_OF_CHECKS,
    ("--stale-minutes", "string", "MINUTES", "an item in progress is stale after so long (default: 60)"),
)
#: What hooks return, or leave in the session, for success.
_PASSING = (None, pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
#: The ini names of the options that turn the checks on.
_SWITCHES = ("queue_check", "queue_check_only")
#: The name of the plugin that is registered while the checks are on.
_SESSION = "ops-checks-session"
_ACTIONS = {"bool": "store_true", "linelist": "append", "string": "store"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each with its ini name. Relative paths are relative to the rootdir."""
    group = parser.getgroup("queue-check", "checks of the task queue (ops-checks)")
    for option, ini_type, metavar, text in OPTIONS:
        extra = {"metavar": metavar} if metavar else {}
        group.addoption(option, action=_ACTIONS[ini_type], default=None, help=text, **extra)
        parser.addini(ini_name(option), f"{text} (as {option})", type=ini_type, default=None)  # type: ignore[arg-type] # one of the literals that pytest allows


def pytest_configure(config: pytest.Config) -> None:
    """Register the session's checks if they are on. Ends the session with exit code 3 if they cannot be imported."""
    if _is_on(config):
        sys.meta_path.insert(0, _AsTheyAre)
        config.add_cleanup(_find_as_before)
        try:
            from ops_checks.pytest_plugin.guard import guarded
        except MemoryError:
            pytest.exit("error: unexpected MemoryError: give the process more memory", returncode=3)
        guarded(_register)(config)


class _AsTheyAre:
    """Finds the modules of this package before pytest does, which would rewrite the assertions in a plugin's.

    There are none in it, and loading what was rewritten takes as long as all the checks of a usual project.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith("ops_checks.") else None


def _find_as_before() -> None:
    """Take one of our finders away; whoever put back the finders of an earlier time has done so."""
    if _AsTheyAre in sys.meta_path:
        sys.meta_path.remove(_AsTheyAre)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Decide on the exit code if the checks are on: every hook of the session has been called."""
    try:
        code = yield
    except SystemExit as ended:  # a hook's sys.exit, which pytest lets through
        code = _exit_code(config, ended.code)
        if code == ended.code:
            raise
    return _exit_code(config, code)


class _LastWord:
    """The same wrapper once more, around those of every conftest."""

    pytest_cmdline_main = staticmethod(pytest_cmdline_main)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Register the last word when everybody else is registered."""
    result = yield
    early_config.pluginmanager.register(_LastWord(), "ops-checks-exit-code")
    return result


def _exit_code(config: pytest.Config, code: object) -> object:
    plugins = config.pluginmanager
    session: Any = plugins.get_plugin(_SESSION)
    if session is not None:
        return session.exit_code(code)
    # A hook may have ended the session before ours could be registered; `--help` and its like have none.
    if code in _PASSING and plugins.has_plugin("session") and _is_on(config) and not config.option.collectonly:
        tell_cut_short()
        return pytest.ExitCode.TESTS_FAILED
    return code


def tell_cut_short() -> None:
    """Say on stderr that a hook ended the session with success before its checks."""
    if sys.stderr is not None:
        sys.stderr.write("error: the queue check is on, and the session ended before any check could fail it\n")


def _register(config: pytest.Config) -> None:
    from ops_checks.pytest_plugin.session import SESSION, QueueSession

    session = QueueSession(config)
    config.stash[SESSION] = session
    config.pluginmanager.register(session, _SESSION)


def _is_on(config: pytest.Config) -> bool:
    return any(config.getoption(name) or config.getini(name) for name in _SWITCHES)


def ini_name(option: str) -> str:
    """Return the ini name of an option."""
    return option.removeprefix("--").replace("-", "_")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say so if the checks are off, and what was given needs them, or a configuration above this root turns them on."""
    if _is_on(config):
        return
    unread = [option for option, *_ in _OF_CHECKS if config.getoption(ini_name(option)) is not None]
    if unread:
        terminalreporter.write_line(f"note: no check reads {', '.join(unread)}: --queue-check is off")
    if any(config.getoption(name) is not None or config.getini(name) is not None for name in _SWITCHES):
        return
    from ops_checks.pytest_plugin.outer import outer_configuration

    path = outer_configuration(str(config.rootpath))
    if path is not None:
        from ops_checks.sanitize import visible

        shown = visible(f"{path} turns the queue checks on, and does not hold below {config.rootpath}")
        terminalreporter.write_line(f"note: {shown}, where pytest is configured anew: --queue-check turns them on")


@pytest.fixture(scope="session")
def queue_report(pytestconfig: pytest.Config) -> Report:
    """Return the session's Report, which the queue checks show. Fails the test without --queue-check."""
    from ops_checks.pytest_plugin.session import SESSION

    session = pytestconfig.stash.get(SESSION, None)
    if session is None:
        pytest.fail("queue_report needs the checks: give --queue-check, or set queue_check = true", pytrace=False)
    return session.evaluation.report()


@pytest.fixture(scope="session")
def queue_stores(pytestconfig: pytest.Config) -> QueueStores:
    """Return both configured stores, `.md` and `.db`, with or without --queue-check."""
    from ops_checks.pytest_plugin.scratch import configured_stores

    return configured_stores(pytestconfig)


@pytest.fixture
def assert_consistent_after(queue_stores: QueueStores, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Return a function that runs an operation on scratch copies of both stores and fails if it makes them differ.

    It calls `operation(queue)` once for each copy and returns the copies, for more assertions. They hold the
    `items` it is given, or what the configured stores hold, which are not changed; what differed there before counts
    only if the operation changes it. Works with or without --queue-check.
    """
    from ops_checks.pytest_plugin.scratch import checked

    return checked(queue_stores, tmp_path_factory)


@pytest.fixture
def reconciled(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Reconcile:
    """Return a function that reconciles scratch copies of two queues, for a test of what writes to them.

    `reconciled(md, db, base)` plans and applies as `ops-checks reconcile` does, and returns both sides afterwards, the
    actions, and the needs: what a person would be asked. Each of the three is a path, a store or items; the base is
    what both agreed on before, by default what the database has recorded. Nothing that is given is written to. Works
    with or without --queue-check.
    """
    from ops_checks.pytest_plugin.reconciliation import reconciling

    return reconciling(pytestconfig, tmp_path_factory)


@pytest.fixture
def rule_findings() -> RuleFindings:
    """Return a function that runs a rule in Python on given rows and returns its findings, for a test of the rule.

    `rule_findings(function, items=[…], events=[…], runs=[…], now_s=…)`: what is not given, the rule cannot read, as if
    its `needs` did not name it. Reads no queue and no policy. Works with or without --queue-check.
    """
    from ops_checks.pytest_plugin.rule_testing import rule_findings

    return rule_findings
