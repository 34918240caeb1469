"""The checks as pytest items: one for each rule, under the input file of its group."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ops_checks.errors import OpsError, unexpected
from ops_checks.findings import CONSISTENCY, GROUPS, Verdict
from ops_checks.pytest_plugin.messages import failure_text, properties, row_of, safe, same_reason_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _pytest._code.code import TerminalRepr

    from ops_checks.pytest_plugin.evaluation import Evaluation
    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.reconcile.moves import Moves
    from ops_checks.report.model import RuleResult

#: The marks by which a person, or a plugin that was asked (`--benchmark-only`), skips a check.
SKIP_MARKS = frozenset({"skip", "skipif"})
_TOO_LITTLE = " (the policy counts too little data as a failure)"


class CheckFailedError(Exception):
    """A rule failed or could not be evaluated; its message replaces the traceback."""


class QueueCheckWarning(pytest.PytestWarning):
    """The warning of a rule whose verdict is `warn`: its check passes, and fails where warnings are errors."""


class InputPath(type(Path())):  # type: ignore[misc] # the class of this system's paths
    """The path of a node whose input need not exist: other plugins stat it (`--new-first` reads its mtime)."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the status of the input, or of some file if there is none."""
        try:
            return os.stat(self, follow_symlinks=follow_symlinks)
        except OSError:
            return os.stat(__file__)


def node_path(rootdir: Path | str, name: str) -> Path:
    """Return the path of an input's node: a file name below the rootdir, whether there is such a file or not.

    Editors build a tree of folders from it, and lose all tests over a node that is a folder or lies outside.
    `name` is relative to the rootdir, or absolute if the input lies outside; it may be a pattern, or a URL.
    """
    path = InputPath(rootdir, name.lstrip("/"))
    return InputPath(path, "*") if os.path.isdir(path) else path


class QueueFile(pytest.File):
    """The node of an input with its checks. The input need not exist and may be a pattern: it is not read."""

    #: It wraps no Python object, like pytest's node of a text file with doctests.
    obj = None

    def __init__(self, *, checks: Iterable[tuple[str, str]], inputs: Inputs, evaluation: Evaluation, **kw: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kw)
        self._checks = checks
        self._inputs = inputs
        self._evaluation = evaluation

    @classmethod
    def at(cls, session: pytest.Session, name: str, **more: Any) -> QueueFile:  # noqa: ANN401 - see __init__
        """Return the node of the input `name` (relative to the rootdir, or absolute), which begins its node ids."""
        path = node_path(session.config.rootpath, name)
        node: QueueFile = cls.from_parent(session, path=path, name=name, nodeid=name, **more)
        return node

    def collect(self) -> list[QueueCheck]:
        """Return one item for each rule."""
        return [
            QueueCheck.from_parent(
                self, name=rule, group=group, file=self.name, inputs=self._inputs, evaluation=self._evaluation
            )
            for rule, group in self._checks
        ]


class QueueCheck(pytest.Item):
    """One rule of the gate.

    It is no test function, and has what other plugins and conftest.py read from one without asking: without class,
    fixtures or parameters. It has no `callspec` and no `_request`, which functions need not have either: plugins ask
    first. A fixture that a plugin adds is not set up: it must not change what the check reads, or the time.
    """

    cls = None
    instance = None

    def __init__(self, *, group: str, file: str, inputs: Inputs, evaluation: Evaluation, **kw: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kw)
        self._file = file
        self._inputs = inputs
        self._evaluation = evaluation
        self._row: tuple[str, int | None] = (file, None)
        self.rule = self.originalname = self.name  # hooks may change the name
        self.obj = self.function = _function(self)
        self.module = sys.modules[__name__]
        self.fixturenames: list[str] = []
        self._fixtureinfo = SimpleNamespace(
            argnames=(), initialnames=(), names_closure=self.fixturenames, name2fixturedefs={}
        )
        self._initrequest()
        self.add_marker("queue_check")
        if GROUPS[group].marker:
            self.add_marker(GROUPS[group].marker)

    def _initrequest(self) -> None:
        """Be ready to run, again if need be: plugins call it before they run an item once more."""
        self.funcargs: dict[str, object] = {}

    def runtest(self) -> None:
        """Pass, fail, skip or warn by the rule's verdict."""
        try:
            rule = self._evaluation.rule(self.rule)
        except OpsError as error:
            raise CheckFailedError(safe(f"error: {error.message}")) from None
        except Exception as error:
            if os.environ.get("OPS_CHECKS_DEBUG") == "1":
                raise
            raise CheckFailedError(safe(f"error: {unexpected(error)}")) from None
        self._record(rule)
        first = self._first_of(rule)
        if first != self.rule:
            raise CheckFailedError(same_reason_text(first))
        if rule.effect in {Verdict.FAIL, Verdict.ERROR}:
            reason = _TOO_LITTLE if rule.verdict is Verdict.INSUFFICIENT else ""
            raise CheckFailedError(failure_text(rule, self._inputs, self._moves(rule), counted=reason))
        if rule.verdict is Verdict.INSUFFICIENT:
            pytest.skip(safe(rule.message))
        if rule.verdict is Verdict.WARN:
            self._warn(failure_text(rule, self._inputs, self._moves(rule)))

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return path, line and name: the row of the first finding once the rule is evaluated; lines count from 0.

        Without a row it is the first line: pytest locates a check with a skip mark there, and takes no None.
        """
        path, line = self._row
        return Path(self._inputs.rootdir, path), (line or 1) - 1, self.rule

    def skipped_at(self, reason: str) -> tuple[str, int, str]:
        """Return path, line and reason of the skipped check, in the form of a test report."""
        path, line = self._row
        return os.path.join(self._inputs.rootdir, path), line or 1, reason

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401 - pytest's own
    ) -> str | TerminalRepr:
        """Return the rule's message in place of a traceback, located at the row, not at this file."""
        if not isinstance(excinfo.value, CheckFailedError | QueueCheckWarning):
            return super().repr_failure(excinfo, style)
        first = str(excinfo.value).partition("\n")[0]
        if self.config.getoption("tbstyle", None) == "line":
            excinfo.value.args = (first,)
        text = excinfo.getrepr(style="value")
        if text.reprcrash is not None:
            path, line = self._row
            text.reprcrash.path, text.reprcrash.lineno = path, line or 1
            text.reprcrash.message = first
        return text

    def _first_of(self, rule: RuleResult) -> str:
        """Return the check of the session that says in full why a rule could not be evaluated: this one, or an earlier.

        One input is missing or malformed for all rules that read it. A check that a mark skips says nothing.
        """
        if rule.verdict is not Verdict.ERROR:
            return self.rule
        checks = (item for item in self.session.items if isinstance(item, QueueCheck))
        telling = (check.rule for check in checks if not any(map(check.get_closest_marker, SKIP_MARKS)))
        same = {each.id for each in self._evaluation.report().rules if each.message == rule.message}
        return next((name for name in telling if name == self.rule or name in same), self.rule)

    def _moves(self, rule: RuleResult) -> Moves | None:
        return self._evaluation.moves() if rule.group == CONSISTENCY.id else None

    def _record(self, rule: RuleResult) -> None:
        replaced = {name for name, _ in properties(rule)}
        self.user_properties = [pair for pair in self.user_properties if pair[0] not in replaced]
        self.user_properties += properties(rule)
        row = row_of(rule, self._file)
        self._row = (self._file, None) if row is None else (row.path, row.line)
        self.__dict__.pop("location", None)  # pytest cached it before the rule was evaluated

    def _warn(self, text: str) -> None:
        path, line = self._row
        # The line is part of the file's name: pytest prints the source line that a warning names, and a row of
        # the queue is untrusted text.
        location = self.nodeid if line is None else f"{path}:{line}"
        warnings.warn_explicit(QueueCheckWarning(text), None, location, 1)


def _function(check: QueueCheck) -> Callable[[], None]:
    """Return a function that runs a check as the item does, for plugins that call or describe an item's function."""

    def function() -> None:
        QueueCheck.runtest(check)  # not what a plugin has put in its place, which may call this function

    function.__name__ = function.__qualname__ = check.name
    function.__doc__ = check._inputs.context.policy.rules[check.rule].title  # noqa: SLF001 - its own module
    return function
