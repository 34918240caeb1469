"""The types of a check's result: groups of rules, verdicts, locations and findings."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ops_checks.exit_codes import ALERT, DRIFT, ExitCode


class Group(NamedTuple):
    """Rules that are run together.

    `exit_code` is that of the gate when one of them fails; `reads` is the kind of input (of a report) at which a
    finding without a line is located; `marker` is the pytest marker of its checks, "" for none, and `about` says what
    one of them is, in pytest's list of markers; `selectable`: whether `check --only` accepts it; `by_name`: its rules
    are off unless the policy or `--only` names it; `in_rows`: what it finds in the database is shown at the item's row
    in the document.
    """

    id: str
    exit_code: ExitCode
    reads: str
    marker: str = ""
    about: str = ""
    selectable: bool = True
    by_name: bool = False
    in_rows: bool = False


CONSISTENCY = Group("consistency", DRIFT, reads="queue", marker="queue_drift", about="a check that both queues agree")
KPI = Group(
    "kpi", ALERT, reads="log", marker="queue_kpi", about="a check of the run log and of stale items", in_rows=True
)
#: One queue by itself: its rows, and what they say together. A check of the document alone needs no database.
QUEUE = Group(
    "queue",
    DRIFT,
    reads="queue",
    marker="queue_rows",
    about="a check of the rows of one queue",
    by_name=True,
    in_rows=True,
)
#: Whether the events of each item could have happened (RECONCILE section 16).
HISTORY = Group(
    "history",
    DRIFT,
    reads="db",
    marker="queue_history",
    about="a check of the events of each item",
    by_name=True,
    in_rows=True,
)
#: The rules of a project's own, in SQL and in Python (`rules` in the policy).
OWN = Group(
    "own",
    DRIFT,
    reads="db",
    marker="queue_own",
    about="a check by a rule of the project's own",
    by_name=True,
    in_rows=True,
)
#: An expired waiver fails with the exit code of its rule's group.
WAIVERS = Group("waivers", ALERT, reads="policy", selectable=False)

#: Every group by its id, in the order of a report.
GROUPS = {group.id: group for group in (CONSISTENCY, KPI, QUEUE, HISTORY, OWN, WAIVERS)}


#: What fails the gate: failed rules only, or warnings too.
FAIL_LEVELS = ("error", "warn")


class Verdict(StrEnum):
    """The outcome of a rule, or of a report.

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
    `value` is the measured number of a KPI finding (in the rule's `unit`); `reason` is why
    it counts where the rule does not imply that. `suppressed` is the reason of the waiver
    that applies, or None. `task`, `owner` and `priority` are those of the item, where a rule
    of the queue found it: they tell a person whose it is and how much it matters. `since`
    (epoch milliseconds) is when it was first seen, where a known report has it too; None: it is new.
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
    task: str | None = None
    owner: str | None = None
    priority: str | None = None
    since: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether a known report has it, and no waiver holds for it."""
        return self.since is not None and self.suppressed is None

    @property
    def fingerprint(self) -> str:
        """An identifier that is stable between runs: a digest of rule, item (or trace) and field, not of lines."""
        import hashlib  # loads OpenSSL, which slows the start of every command

        parts = (self.rule, self.item or "", self.field or "", "" if self.item else self.trace or "")
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unlisted(rule: str, item: str | None, field: str | None = None, trace: str | None = None) -> Finding:
    """Return a finding that is counted and not listed: what it is found again by, and no more."""
    return Finding(rule, " ".join(part for part in (item, field, trace) if part), item, field, trace=trace)
