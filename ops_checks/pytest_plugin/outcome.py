"""What became of the checks of a session, and whether it may pass: none is left out without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.findings import Verdict
from ops_checks.presentation.wording import plural
from ops_checks.pytest_plugin.items import SKIP_MARKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ops_checks.pytest_plugin.selection import Selection
    from ops_checks.report.model import Report

#: Exit codes that somebody takes for success; a hook may set none.
_PASSING = (None, pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
#: The exit codes of a session that came to its end.
_ENDED = (*_PASSING, pytest.ExitCode.TESTS_FAILED)
_LISTED = 10


class Outcome:
    """The checks of a session by what became of them, each by its rule."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._ran: set[str] = set()
        self._skipped: set[str] = set()
        self._marked: set[str] = set()
        self.settled = False
        self._must_fail = False

    @property
    def marked_only(self) -> bool:
        """Whether checks have a mark that skips them, and no other ran: that is no verdict on the queue."""
        return bool(self._marked) and not self._ran

    def add(self, report: pytest.TestReport) -> None:
        """Add what pytest reports of a check."""
        rule = report.location[2]  # not the node id: hooks change it, and xdist appends a group
        if report.when == "call":
            self._ran.add(rule)
        elif not report.passed:
            self._skipped.add(rule)
            if not SKIP_MARKS.isdisjoint(report.keywords):
                self._marked.add(rule)

    def settle(
        self, session: pytest.Session, chosen: Sequence[str], report: Report | None, errors: Collection[str]
    ) -> list[str]:
        """Decide whether the session must fail; return the errors to show for it, besides those there are.

        It must where a chosen check was neither reported nor left out by a person, where there is none, or where the
        report fails on checks that ran (or, if marks skipped all, on one of those). That a session was stopped is told
        by pytest, whose exit code then stays.
        """
        missing = self._missing(chosen)
        none_ran = not (self._ran or self._marked or self._selection.left_out)
        failed = self._failed(report)
        stopped = session.shouldstop or session.shouldfail or session.exitstatus not in _ENDED
        found: list[str] = []
        if none_ran and not stopped:
            found.append("error: the queue check is on, and no check ran: see the policy and the other plugins")
        elif missing and not stopped:
            what = f"{plural(len(missing), 'check', 'checks')} neither run nor deselected ({_list(missing)})"
            found.append(f"error: {what}: see the other plugins, and the hooks in conftest.py")
        if failed and session.exitstatus in _PASSING:
            why = "its errors" if report is not None and report.errors else "the other plugins and marks"
            found.append(f"error: the report fails and the tests pass ({_list(failed)}): see {why}")
        self.settled = True
        self._must_fail = bool(errors or none_ran or missing or failed)
        self.hold(session)
        return found

    def hold(self, session: pytest.Session) -> None:
        """Fail the session once more if it must not pass: another hook may have set the exit code."""
        session.exitstatus = self.exit_code(session.exitstatus)

    def exit_code(self, code: int | pytest.ExitCode, *, cut_short: bool = False) -> int | pytest.ExitCode:
        """Return the exit code, or that of failed tests in place of one that passes for a session that must not.

        `cut_short`: the session was to run tests, so that it must have come as far as to be settled.
        """
        must_fail = self._must_fail or (cut_short and not self.settled)
        return pytest.ExitCode.TESTS_FAILED if must_fail and code in _PASSING else code

    def left_out(self, planned: Sequence[str], chosen: Collection[str]) -> Iterator[str]:
        """Yield a line for each reason for which checks of the plan did not run, or for which they ran all the same."""
        named = self._selection.left_out
        asked = [rule for rule in planned if rule in named or rule not in chosen]
        skipped = [rule for rule in planned if rule in self._skipped - self._ran]
        put_back = [rule for rule in planned if rule in self._selection.put_back]
        if asked:
            yield f"left out by pytest's arguments or options: {_counted(asked)}"
        if skipped:
            yield f"skipped by a mark or a hook: {_counted(skipped)}"
        if put_back:
            yield (
                f"put back, though another plugin or hook had dropped them: {_counted(put_back)}; "
                "-m 'not queue_check' leaves them out"
            )

    def _missing(self, chosen: Sequence[str]) -> list[str]:
        known = self._ran | self._skipped | self._selection.left_out
        return [rule for rule in chosen if rule not in known]

    def _failed(self, report: Report | None) -> list[str]:
        """Return the rules for which the report fails; those that were left out do not count."""
        if report is None or report.ok:
            return []
        counting = self._ran or self._skipped
        failed = [rule.id for rule in report.rules if rule.effect in {Verdict.FAIL, Verdict.ERROR}]
        return [rule for rule in failed if rule in counting] if failed else [f"exit code {report.exit_code}"]


def _counted(rules: Sequence[str]) -> str:
    return f"{plural(len(rules), 'check', 'checks')} ({_list(rules)})"


def _list(rules: Sequence[str]) -> str:
    more = len(rules) - _LISTED
    return ", ".join((*rules[:_LISTED], *([f"{more} more"] if more > 0 else [])))
