"""What a database keeps of the last agreement of both queues (RECONCILE section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    #: The nine cells of an item in the order of FIELDS, None where a cell was never agreed.
    AgreedCells = tuple[str | None, ...]


class Baseline(NamedTuple):
    """The newest agreement: its number, the queue's random id, who recorded it and when, and of which document.

    `md_path` is relative to the repository, else to the database's folder; `md_commit` is None without git. `source` is
    where it was read: in the database, in an exported file, or in git, where nobody recorded it.
    """

    number: int
    queue_id: str
    made_at: str
    actor: str
    md_path: str
    md_digest: str
    md_commit: str | None
    items: int
    tool: str
    source: str = "db"

    @property
    def name(self) -> str:
        """The name by which people are told of it."""
        return f"git:{(self.md_commit or '')[:7]}" if self.source == FROM_GIT else f"b-{self.number}"


class AgreedRow(NamedTuple):
    """The last agreed state of one item: `ordinal` is its place in the document, `event_id` the newest event then.

    A store stamps a row that it saves with the last three.
    """

    cells: AgreedCells
    ordinal: int
    event_id: int | None = None
    updated_at: str = ""
    md_commit: str | None = None


class Counts(NamedTuple):
    """Numbers of items in the base: wholly agreed, not wholly agreed, and agreed ones that the database lacks."""

    agreed: int
    unagreed: int
    gone: int


class PlanRecord(NamedTuple):
    """What a database remembers of an applied plan: its file's text, and what was there before, as JSON.

    `state` is PREPARED while it is applied, DONE afterwards, UNDONE once it was taken back.
    """

    plan_id: str
    state: str
    made_at: str
    actor: str
    plan_json: str
    before_json: str
    md_before: str
    md_after: str


#: Where a base was read, if not in the database: what git has is no agreement, only a version of the document.
FROM_FILE, FROM_GIT = "file", "git"
#: The states of an agreed row: wholly, and in part or not at all.
AGREED, UNAGREED = "agreed", "unagreed"
#: The states of a record.
PREPARED, DONE, UNDONE = "prepared", "done", "undone"
