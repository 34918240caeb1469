"""The words of a check: what was found, where, in which group of rules, and what it means for the verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ops_checks.exit_codes import ALERT, DRIFT, ExitCode


class Group(NamedTuple):
    """Rules that are run together.

    `exit_code` is that of the gate when one of them fails; `reads` is the kind of input (of a report) that a
    finding without a line is shown at; `marker` is pytest's marker of its checks, "" for none; `selectable`:
    `check --only` may name it.
    """

    id: str
    exit_code: ExitCode
    reads: str
    marker: str = ""
    selectable: bool = True


CONSISTENCY = Group("consistency", DRIFT, reads="queue", marker="queue_drift")
KPI = Group("kpi", ALERT, reads="log", marker="queue_kpi")
#: An expired waiver fails with the exit code of the group that it was for.
WAIVERS = Group("waivers", ALERT, reads="policy", selectable=False)

#: Every group by its id, in the order of a report.
GROUPS = {group.id: group for group in (CONSISTENCY, KPI, WAIVERS)}


class Verdict(StrEnum):
    """The outcome of a rule, or of a whole report.

    `INSUFFICIENT` is no data or too little of it: never as good as `PASS`.
    `ERROR` is "could not be evaluated": an input is missing, unreadable or malformed.
    """

    PASS = "pass"  # noqa: S105 - no password
    INSUFFICIENT = "insufficient"
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"


class Place(NamedTuple):
    """A location: a line of a file, or a row of a database table.

    `path` is the input as the user named it; `line` and `column` count from 1;
    `table` and `key` name a database row instead.
    """

    path: str
    line: int | None = None
    column: int | None = None
    table: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        """`QUEUE.md:42`, or `queue.db:queue_items:ORCH-013`."""
        return ":".join(str(part) for part in self if part is not None)


class Finding(NamedTuple):
    """One violation of a rule: an item that drifted, a run that was too slow, a line that is no record.

    `md` and `db` are the values on both sides of a drift (None where a side has none);
    `value` is a measured number of a KPI offender (`unit` in the rule); `reason` is why
    it counts where that is not plain from the rule. `suppressed` is the reason of the
    waiver that holds, or None.
    """

    rule: str
    message: str
    item: str | None = None
    field: str | None = None
    md: str | None = None
    db: str | None = None
    value: float | None = None
    trace: str | None = None
    reason: str | None = None
    places: tuple[Place, ...] = ()
    suppressed: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same finding tomorrow has the same fingerprint: rule, item (or trace) and field, no line numbers."""
        import hashlib  # brings OpenSSL with it, for which not every command waits

        parts = (self.rule, self.item or "", self.field or "", "" if self.item else self.trace or "")
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
