"""Run the gate once in a session, when the first check needs it; all worker processes share what it found."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import MsgspecError
from msgspec.json import decode, encode

from ops_checks.errors import InputError, OpsError
from ops_checks.findings import CONSISTENCY
from ops_checks.pytest_plugin.messages import listed
from ops_checks.pytest_plugin.options import in_folder

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.reconcile.moves import Moves
    from ops_checks.report.model import Report, RuleResult


class Evaluation:
    """The session's report, and which side moved of the drift in it.

    `folder` is shared by the processes of a distributed session, None in a single process.
    The first process that needs the report acquires the lock in the folder, runs the gate and writes
    the report there; the others read it. The system releases the lock of a process that dies, and the
    next one runs the gate.
    """

    def __init__(self, inputs: Inputs, folder: str | None) -> None:
        self._inputs = inputs
        self.folder = folder
        self._report: Report | None = None
        self._failure: OpsError | None = None
        self._moves: Moves | None = None

    def report(self) -> Report:
        """Return the report; run the gate if there is none, once.

        Raises OpsError if the shared folder cannot be used, and for a rule of the project's own without code.
        """
        if self._failure is not None:
            raise self._failure
        if self._report is None:
            try:
                self._report = self._run() if self.folder is None else self._shared(self.folder)
            except OpsError as error:
                self._failure = error  # it is the same for each check, and rules have run
                raise
        return self._report

    def existing_report(self) -> Report | None:
        """Return the report if a process of the session has made it, else None."""
        if self._report is None and self.folder is not None and os.path.exists(_report_file(self.folder)):
            self._report = _read(self.folder)
        return self._report

    def rule(self, rule_id: str) -> RuleResult:
        """Return the result of a rule. Raises OpsError if the report has none: the policy changed since the plan."""
        for rule in self.report().rules:
            if rule.id == rule_id:
                return rule
        raise InputError(f"the gate did not report on {rule_id}: the policy changed meanwhile, run the session again")

    def moves(self) -> Moves:
        """Return which side moved of the items that the report lists as drift."""
        if self._moves is None:
            from ops_checks.reconcile.moves import Moves

            self.report()
            self._moves = self._moves or (Moves() if self.folder is None else _read_moves(self.folder))
        return self._moves

    def _run(self) -> Report:
        with in_folder(self._inputs.rootdir):
            context = self._inputs.context.at(time.time())
            report = self._gate(context)
            drifted = {each.item for rule in report.rules if rule.group == CONSISTENCY.id for each in listed(rule)}
            if drifted:
                from ops_checks.reconcile.moves import moves_of

                self._moves = moves_of(context, {item for item in drifted if item})
            return report

    def _gate(self, context: Context) -> Report:
        if self._inputs.shows_background:
            from ops_checks.reconcile.field_drift import run_with_drift

            return run_with_drift(context)
        from ops_checks.gate.run import run_gate

        return run_gate(context)

    def _shared(self, folder: str) -> Report:
        from ops_checks.files.file_lock import take_lock
        from ops_checks.files.new_file import create_file
        from ops_checks.files.safe_open import close_quietly
        from ops_checks.formats import FORMATS

        if not os.path.isdir(folder):
            raise InputError(f"{folder}: not here: run the checks on the machine that started the session")
        try:
            lock = take_lock(os.path.join(folder, "lock"), mode=0o600)
            try:
                if not os.path.exists(_report_file(folder)):
                    report = self._run()
                    if self._moves is not None:
                        with suppress(OpsError, ValueError):  # the report does without it
                            create_file(_moves_file(folder), encode(self._moves))
                    create_file(_report_file(folder), FORMATS["json"].render(report).encode())  # the last: all is there
            finally:
                if lock is not None:
                    close_quietly(lock)
            return _read(folder)
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be shared ({error.strerror}): check the folder for temporary files"
            ) from error


def _report_file(folder: str) -> str:
    return os.path.join(folder, "report.json")


def _moves_file(folder: str) -> str:
    return os.path.join(folder, "moves.json")


def _read_moves(folder: str) -> Moves:
    """Return what the process that ran the gate found out; nothing, if there was no drift to look at."""
    from ops_checks.reconcile.moves import Moves

    try:
        with open(_moves_file(folder), "rb") as file:
            return decode(file.read(), type=Moves)
    except (OSError, MsgspecError):
        return Moves()


def _read(folder: str) -> Report:
    from ops_checks.report.parse import parse_report

    path = _report_file(folder)
    with open(path, "rb") as file:
        return parse_report(file.read(), path)
