"""What became of the checks of a session, and whether it may pass: none is left out without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.findings import Verdict
from ops_checks.presentation.wording import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ops_checks.report.model import Report

#: Exit codes that somebody takes for success.
_PASSING = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
#: The exit codes of a session that came to its end.
_ENDED = (*_PASSING, pytest.ExitCode.TESTS_FAILED)
#: Options by which a user asks for a part of the tests, of plugins that leave out the others without telling.
_PARTS = ("num_shards",)
_LISTED = 10


class Outcome:
    """The checks of a session by what became of them, each by its rule.

    `deselected`: somebody left them out and said so, as `-k` and `--lf` do.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.deselected: set[str] = set()
        self._config = config
        self._ran: set[str] = set()
        self._skipped: set[str] = set()
        self._must_fail: pytest.Session | None = None

    def add(self, report: pytest.TestReport) -> None:
        """Add what pytest reports of a check."""
        rule = report.location[2]  # not the node id: hooks change it, and xdist appends a group
        if report.when == "call":
            self._ran.add(rule)
        elif not report.passed:
            self._skipped.add(rule)

    def settle(
        self, session: pytest.Session, chosen: Sequence[str], report: Report | None, errors: Collection[str]
    ) -> list[str]:
        """Fail a session that must not pass; return the errors to show for it, besides those there are.

        It must not where a chosen check was neither reported nor deselected, where none ran, or where the report fails
        on checks that ran. That a session was stopped is told by pytest, whose exit code then stays.
        """
        missing = self._missing(chosen)
        none_ran = not self._ran and not self.deselected and not self._asks_for_a_part()
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
        if errors or none_ran or missing or failed:
            self._must_fail = session
            self.hold()
        return found

    def hold(self) -> None:
        """Fail the session once more if it must not pass: another hook may have set the exit code."""
        session = self._must_fail
        if session is not None and (not session.exitstatus or session.exitstatus in _PASSING):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _missing(self, chosen: Sequence[str]) -> list[str]:
        if self._asks_for_a_part():
            return []
        known = self._ran | self._skipped | self.deselected
        return [rule for rule in chosen if rule not in known]

    def _asks_for_a_part(self) -> bool:
        given = (self._config.getoption(name, None) for name in _PARTS)
        return any(isinstance(parts, int) and parts > 1 for parts in given)

    def _failed(self, report: Report | None) -> list[str]:
        """Return the rules for which the report fails; those that were left out do not count."""
        if report is None or report.ok:
            return []
        failed = [rule.id for rule in report.rules if rule.effect in {Verdict.FAIL, Verdict.ERROR}]
        return [rule for rule in failed if rule in self._ran] if failed else [f"exit code {report.exit_code}"]


def _list(rules: Sequence[str]) -> str:
    more = len(rules) - _LISTED
    return ", ".join((*rules[:_LISTED], *([f"{more} more"] if more > 0 else [])))
