"""Why an item needs a person, and what that person can do (RECONCILE sections 4 to 6)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why a unit is not settled by itself."""

    CONFLICT = "conflict"
    DOUBLE_CLAIM = "double-claim"
    HELD = "held"
    TERMINAL = "terminal"
    USE_RETRY = "use-retry"
    ATTEMPTS_USED_UP = "attempts-used-up"
    REQUEUE = "requeue"
    OWNER_CHANGED = "owner-changed"
    CLAIM_INCOMPLETE = "claim-incomplete"
    DONE_UNCLAIMED = "done-unclaimed"
    THERE_AND_BACK = "there-and-back"
    NOTES_CONFLICT = "notes-conflict"
    BOTH_ADDED = "both-added"
    DELETED_IN_MD = "deleted-in-md"
    DELETED_IN_DB = "deleted-in-db"
    RENAMED = "renamed"
    NO_BASE = "no-base"
    LINEAGE = "lineage"
    MD_IS_VIEW = "md-is-view"
    MD_READ_ONLY = "md-read-only"


class Way(NamedTuple):
    """What a person can do about a reason: `bulk`: `--prefer SIDE` without an id resolves it too.

    `help` may hold {id}, and {key}: the id, with its unit where it has one.
    """

    help: str
    bulk: bool = False


_EITHER = "--prefer {key}=md takes the document's, --prefer {key}=db the database's"
_BY_NAME = "--prefer {id}=md takes the document's anyway, --prefer {id}=db puts the document back"

WAYS = {
    Reason.CONFLICT: Way(_EITHER, bulk=True),
    Reason.NOTES_CONFLICT: Way(_EITHER, bulk=True),
    Reason.THERE_AND_BACK: Way(_EITHER, bulk=True),
    Reason.NO_BASE: Way(_EITHER, bulk=True),
    Reason.DOUBLE_CLAIM: Way("two programs hold it: ask both, then " + _EITHER),
    Reason.HELD: Way("wait for the lease, or ops-checks cancel --id {id}"),
    Reason.TERMINAL: Way(_BY_NAME),
    Reason.USE_RETRY: Way("ops-checks retry --id {id} counts the attempt; " + _BY_NAME),
    Reason.ATTEMPTS_USED_UP: Way("--prefer {id}=db puts the document back; ops-checks replan --id {id} starts it anew"),
    Reason.REQUEUE: Way("it may still run: ask its owner, then " + _BY_NAME),
    Reason.OWNER_CHANGED: Way(_BY_NAME),
    Reason.CLAIM_INCOMPLETE: Way("write owner and start into the row, or --prefer {id}=db puts the document back"),
    Reason.DONE_UNCLAIMED: Way("write the owner into the row, or " + _BY_NAME),
    Reason.BOTH_ADDED: Way(
        "--rekey {id}=NEW-ID keeps both; --prefer {id}=md keeps the document's only, --prefer {id}=db the database's"
    ),
    Reason.DELETED_IN_MD: Way(
        "--prefer {id}=db puts the row back; --prefer {id}=md takes the item out of the database", bulk=True
    ),
    Reason.DELETED_IN_DB: Way(
        "--prefer {id}=md adds the item again; --prefer {id}=db takes the row out of the document", bulk=True
    ),
    Reason.RENAMED: Way("put the old id back into the row"),
    Reason.LINEAGE: Way(
        "git does not show that this document came after the baseline: check out the newer one, or " + _BY_NAME
    ),
    Reason.MD_IS_VIEW: Way("the document is a view of the database: " + _BY_NAME),
    Reason.MD_READ_ONLY: Way("the document may only be read (ORCH_QUEUE_MD_READ_ONLY)"),
}
