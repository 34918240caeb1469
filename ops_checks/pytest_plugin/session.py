"""The plugin when it is on: plan the checks, run them as items, write the report, print the summary.

Imported only then, and by the fixtures when they are used.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from ops_checks.errors import OpsError, UsageError
from ops_checks.findings import GROUPS, Verdict
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.pytest_plugin.evaluation import Evaluation
from ops_checks.pytest_plugin.guard import guarded
from ops_checks.pytest_plugin.items import QueueCheck, QueueCheckWarning, QueueFile
from ops_checks.pytest_plugin.messages import policy_line, safe, summary
from ops_checks.pytest_plugin.options import in_folder, read_inputs, setting, shown_path
from ops_checks.pytest_plugin.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ops_checks.pytest_plugin.options import Inputs

#: The rules of each file, as pairs of rule and group.
Plan = dict[str, list[tuple[str, str]]]

_MARKERS = (
    "queue_check: a check of the task queue",
    "queue_drift: a check that both queues agree",
    "queue_kpi: a check of the run log and of stale items",
)
_SHARED = "ops_checks_folder"
_DESELECTED = "ops_checks_deselected"
_COLORS = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.ERROR: "red"}


class QueueSession:
    """The checks of one session as pytest hooks, in a single process, or in the controller and each worker."""

    inputs: Inputs
    evaluation: Evaluation

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._chosen: Plan = {}
        self._runs_tests = False
        self._outcome = Outcome(config)
        self._errors: list[str] = []
        self._written: str | None = None
        for marker in _MARKERS:
            config.addinivalue_line("markers", marker)
        config.add_cleanup(self._outcome.hold)  # after every hook: nothing else comes before the exit code is read

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """Plan the checks, before any worker starts, and before the header that names the policy."""
        self._start()
        return (yield)

    @guarded
    def _start(self) -> None:
        """Resolve the inputs and plan the checks. Raises pytest.UsageError (exit 4)."""
        try:
            self.inputs = read_inputs(self._config)
        except OpsError as error:
            raise pytest.UsageError("\n  ".join(map(safe, (error.message, *error.details)))) from None
        self._check_streams()
        self.evaluation = Evaluation(self.inputs, (self._workerinput or {}).get(_SHARED))
        self._choose(_plan(self.inputs))

    @guarded
    def pytest_report_header(self) -> str:
        """Name the policy."""
        from ops_checks.gate.inputs import policy_read

        return safe(policy_line(policy_read(self.inputs.context)))

    def _check_streams(self) -> None:
        """Raise pytest.UsageError if stdout or stderr goes to an input.

        It is without a text: pytest prints that when it has led stderr back to where it was, into the input.
        """
        try:
            with in_folder(self.inputs.rootdir):
                self.inputs.guard.check_streams()
        except UsageError as error:
            if sys.stderr is not None:
                sys.stderr.write(safe(f"ERROR: {error.message}") + "\n")
                sys.stderr.flush()
            raise pytest.UsageError from None

    def _choose(self, plan: Plan) -> None:
        """Choose the checks that pytest's arguments name, or all, and remove them: their files need not exist."""
        others: list[str] = []
        for argument in self._config.args:
            path, _, rule = argument.partition("::")
            file = self._named(path, plan)
            if file is None:
                others.append(argument)
            else:
                self._choose_one(argument, file, rule, plan)
        self._chosen = self._chosen or plan
        self._config.args[:] = [] if setting(self._config, "--queue-check-only") else others

    def _choose_one(self, argument: str, file: str, rule: str, plan: Plan) -> None:
        found = [check for check in plan[file] if rule in {"", check[0]}]
        if not found:
            names = ", ".join(name for name, _ in plan[file])
            raise pytest.UsageError(f"not found: {argument}\n(the checks of {file} are {names})")
        chosen = self._chosen.setdefault(file, [])
        chosen += (check for check in found if check not in chosen)

    def _named(self, path: str, plan: Plan) -> str | None:
        """Return the file of the plan at a path, relative to the current folder, or to the rootdir as in node ids."""
        here = shown_path(path, self.inputs.rootdir, str(self._config.invocation_params.dir))
        return next((name for name in (here, path) if name in plan), None)

    @pytest.hookimpl(tryfirst=True)
    @guarded
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the checks to the collected items, before other plugins select or sort them."""
        for file, checks in self._chosen.items():
            node = QueueFile.at(session, file, checks=checks, inputs=self.inputs, evaluation=self.evaluation)
            added = node.collect()
            for item in added:
                session.ihook.pytest_itemcollected(item=item)
            # The terminal counts what is reported. Pytest does not collect the node itself, because --last-failed
            # would silently skip complete files.
            session.ihook.pytest_collectreport(report=pytest.CollectReport(node.nodeid, "passed", None, [*added]))
            items += added

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember the deselected checks."""
        self._outcome.deselected.update(item.name for item in items if isinstance(item, QueueCheck))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Record that the session runs tests, unlike one with --collect-only; another plugin may have its own loop."""
        option = self._config.option
        self._runs_tests = not (option.collectonly or getattr(option, "setuponly", False))
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Locate a skipped check at its input, not at a line of this package."""
        report = yield
        if isinstance(item, QueueCheck) and report.skipped and isinstance(report.longrepr, tuple):
            report.longrepr = item.skipped_at(report.longrepr[2])
        return report

    @guarded
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the checks that ran or were skipped, in this process or in a worker."""
        if "queue_check" in report.keywords:
            self._outcome.add(report)

    @pytest.hookimpl(optionalhook=True)
    @guarded
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's WorkerController, which need not be installed
        """Pass the shared folder of the session to a worker; make it for the first one."""
        if self.evaluation.folder is None:
            self.evaluation.folder = tempfile.mkdtemp(prefix="ops-checks-")
        node.workerinput[_SHARED] = self.evaluation.folder

    @pytest.hookimpl(optionalhook=True)
    @guarded
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - see pytest_configure_node
        """Add the checks that a worker deselected."""
        self._outcome.deselected.update(getattr(node, "workeroutput", {}).get(_DESELECTED, ()))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail the session if it has to before other hooks end it, and again after them."""
        self._finish(session)
        try:
            return (yield)
        finally:
            self._outcome.hold()

    @guarded
    def _finish(self, session: pytest.Session) -> None:
        """Write the report, and fail a session that must not pass; a worker only tells what it deselected."""
        if self._workerinput is not None:
            self._config.workeroutput[_DESELECTED] = sorted(self._outcome.deselected)  # type: ignore[attr-defined] # xdist puts it there
        elif self._runs_tests:
            self._write_report(session)
            chosen = [rule for checks in self._chosen.values() for rule, _ in checks]
            self._errors += self._outcome.settle(session, chosen, self.evaluation.existing_report(), self._errors)

    def _write_report(self, session: pytest.Session) -> None:
        from ops_checks.files.output_file import write_output
        from ops_checks.formats import FORMATS

        output, report = self.inputs.report, self.evaluation.existing_report()
        if output is None or report is None:
            return
        try:
            with in_folder(self.inputs.rootdir):
                _make_folder(os.path.dirname(output.path))
                write_output(output, FORMATS["json"].render(report), self.inputs.guard)
        except OpsError as error:
            self._errors.append(f"error: {error.message}")
            if isinstance(error, UsageError):
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
        else:
            self._written = output.path

    @guarded
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary: verdict, inputs, counts, path of the report."""
        report = self.evaluation.existing_report()
        if not self._runs_tests:
            return
        terminalreporter.write_sep("=", "queue check")
        for line, verdict in summary(report) if report is not None else [("no check ran: nothing was evaluated", None)]:
            color = {_COLORS[verdict]: True} if verdict in _COLORS else {}
            terminalreporter.write_line(safe(line), **color)
        if self._written:
            terminalreporter.write_line(safe(f"report: {self._written}"))
        for error in self._errors:
            terminalreporter.write_line(safe(error), red=True)

    @guarded
    def pytest_unconfigure(self) -> None:
        """Remove the shared folder, which the controller has made."""
        if self._workerinput is None and hasattr(self, "evaluation") and self.evaluation.folder is not None:
            shutil.rmtree(self.evaluation.folder, ignore_errors=True)


def _plan(inputs: Inputs) -> Plan:
    """Return the checks by the file they belong to, from the policy alone; no input is read."""
    context = inputs.context
    files = {"queue": context.queue, "log": context.logs[0], "policy": context.policy.path or DEFAULT_POLICY}
    plan: Plan = {}
    for rule in context.policy.active_rules():
        plan.setdefault(files[GROUPS[rule.group].reads], []).append((rule.id, rule.group))
    return plan


def _make_folder(path: str) -> None:
    """Make the report's folder, as pytest does for its own reports; a failure is reported by the write after it."""
    try:
        os.makedirs(path or os.curdir, 0o775, exist_ok=True)
    except OSError:
        return


#: The key of the session's checks in pytest's stash.
SESSION = pytest.StashKey[QueueSession]()

__all__ = ["SESSION", "QueueCheckWarning", "QueueSession"]
