"""The plugin when it is on: plan the checks, run them as items, write the report, print the summary.

Imported only then, and by the fixtures when they are used.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from ops_checks.errors import OpsError, UsageError
from ops_checks.findings import GROUPS, Verdict
from ops_checks.pytest_plugin import tell_cut_short
from ops_checks.pytest_plugin.evaluation import Evaluation
from ops_checks.pytest_plugin.guard import guarded
from ops_checks.pytest_plugin.items import QueueCheck, QueueCheckWarning, QueueFile
from ops_checks.pytest_plugin.messages import policy_line, safe, summary
from ops_checks.pytest_plugin.options import in_folder, read_inputs, setting
from ops_checks.pytest_plugin.outcome import Outcome
from ops_checks.pytest_plugin.plan import choose, plan_checks, rules_of
from ops_checks.pytest_plugin.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.pytest_plugin.plan import Plan

_MARKERS = (
    "queue_check: a check of the task queue",
    *(f"{group.marker}: {group.about}" for group in GROUPS.values() if group.marker),
)
_SHARED = "ops_checks_folder"
_SELECTED = "ops_checks_selection"
_COLORS = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.ERROR: "red"}


class QueueSession:
    """The checks of one session as pytest hooks, in a single process, or in the controller and each worker."""

    inputs: Inputs
    evaluation: Evaluation
    _plan: Plan
    _chosen: Plan

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._is_to_run = False
        self._runs_tests = False
        self._selection = Selection(config)
        self._outcome = Outcome(self._selection)
        self._errors: list[str] = []
        self._written: list[str] = []
        self._kept: list[str] = []
        for marker in _MARKERS:
            config.addinivalue_line("markers", marker)

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
        self._choose()

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

    def _choose(self) -> None:
        """Choose the checks that pytest's arguments name, or all, and remove them: their files need not exist."""
        config = self._config
        self._plan = plan_checks(self.inputs)
        here = str(config.invocation_params.dir)
        self._chosen, others = choose(self._plan, config.args, self.inputs.rootdir, here)
        config.args[:] = [] if setting(config, "--queue-check-only") else others

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Record that the session is to run tests, unlike one that lists what there is."""
        self._is_to_run = not self._lists_only()
        return (yield)

    def pytest_keyboard_interrupt(self) -> None:
        """Record the same of a session that is ended before it collects anything."""
        self._is_to_run = not self._lists_only()

    def _lists_only(self) -> bool:
        option = self._config.option
        return bool(option.collectonly or getattr(option, "setuponly", False))

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Generator[None]:
        """Add the checks before other plugins select or sort the items, and put back what they drop.

        Inside of the wrapper of `--lf`, so that it decides on all of the checks.
        """
        self._add_checks(session, items)
        result = yield
        self._restore(items)
        return result

    @guarded
    def _add_checks(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        for file, checks in self._chosen.items():
            node = QueueFile.at(session, file, checks=checks, inputs=self.inputs, evaluation=self.evaluation)
            added = node.collect()
            for item in added:
                session.ihook.pytest_itemcollected(item=item)
            # The terminal counts what is reported. Pytest does not collect the node itself, because --last-failed
            # would silently skip complete files.
            session.ihook.pytest_collectreport(report=pytest.CollectReport(node.nodeid, "passed", None, [*added]))
            self._selection.add(added)
            items += added

    @guarded
    def _restore(self, items: list[pytest.Item]) -> bool:
        return self._selection.restore(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None]:
        """Put back what wrappers outside of ours dropped, before a worker tells what it has collected."""
        self._restore(session.items)
        return (yield)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Take note of the checks that a person deselects."""
        self._selection.deselected(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Record that the session runs tests; another plugin may have its own loop."""
        self._runs_tests = not self._lists_only()
        return (yield)

    @pytest.hookimpl(specname="pytest_runtestloop", wrapper=True, trylast=True)
    def pytest_runtestloop_innermost(self, session: pytest.Session) -> Generator[None, object, object]:
        """Put back what hooks dropped between collection and loop; a worker has told what it has, and keeps to it."""
        if self._workerinput is None and self._restore(session.items):
            session.testscollected = len(session.items)
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
        """Add what a worker left out and put back."""
        self._selection.merge(*getattr(node, "workeroutput", {}).get(_SELECTED, ((), ())))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail the session if it has to before other hooks end it, and again after them."""
        self._finish(session)
        try:
            return (yield)
        finally:
            self._outcome.hold(session)

    @guarded
    def _finish(self, session: pytest.Session) -> None:
        """Write the report, and fail a session that must not pass; a worker only tells what it selected."""
        if self._workerinput is not None:
            told = [sorted(self._selection.left_out), sorted(self._selection.put_back)]
            self._config.workeroutput[_SELECTED] = told  # type: ignore[attr-defined] # xdist puts it there
        elif self._runs_tests:
            self._evaluate_marked()
            self._write_reports(session)
            report = self.evaluation.existing_report()
            self._errors += self._outcome.settle(session, rules_of(self._chosen), report, self._errors)

    def _evaluate_marked(self) -> None:
        """Run the gate where marks skip every check: else the session would pass, whatever the queue is like."""
        if self._outcome.marked_only:
            try:
                self.evaluation.report()
            except OpsError as error:
                self._errors.append(f"error: {error.message}")

    def exit_code(self, code: int | pytest.ExitCode) -> int | pytest.ExitCode:
        """Return what pytest ends with, given what it would end with after every hook."""
        if self._workerinput is not None:
            return code
        decided = self._outcome.exit_code(code, cut_short=self._is_to_run)
        if decided != code and not self._outcome.settled:
            tell_cut_short()
        return decided

    def _write_reports(self, session: pytest.Session) -> None:
        from ops_checks.pytest_plugin.reports import write_reports

        report = self.evaluation.existing_report()
        if report is None or not (self.inputs.reports or self.inputs.history):
            return
        written = write_reports(self.inputs, report)
        self._written, self._kept = written.files, written.warnings
        self._errors += written.errors
        if written.is_usage:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    @pytest.hookimpl(optionalhook=True)
    @guarded
    def pytest_html_results_summary(self, postfix: list[str]) -> None:
        """Show the queue's page in the report of pytest-html."""
        report = self.evaluation.existing_report()
        if report is not None:
            from ops_checks.pytest_plugin.reports import page_frame

            postfix.append(page_frame(report))

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
        for path in self._written:
            terminalreporter.write_line(safe(f"report: {path}"))
        for line in self._kept:
            terminalreporter.write_line(safe(line), yellow=True)
        for line in self._outcome.left_out(rules_of(self._plan), rules_of(self._chosen)):
            terminalreporter.write_line(safe(line))
        for error in self._errors:
            terminalreporter.write_line(safe(error), red=True)

    @guarded
    def pytest_unconfigure(self) -> None:
        """Remove the shared folder, which the controller has made."""
        if self._workerinput is None and hasattr(self, "evaluation") and self.evaluation.folder is not None:
            shutil.rmtree(self.evaluation.folder, ignore_errors=True)


#: The key of the session's checks in pytest's stash.
SESSION = pytest.StashKey[QueueSession]()

__all__ = ["SESSION", "QueueCheckWarning", "QueueSession"]
