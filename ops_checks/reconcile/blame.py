"""Say who last changed a cell, by which commit or event, in one line (RECONCILE sections 13 and 14). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import DecodeError, Struct
from msgspec.json import decode

from ops_checks.model import NOTHING
from ops_checks.reconcile.model import DB
from ops_checks.sanitize import visible
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.stores.event import Event
    from ops_checks.timestamps import Zone

    #: Who moved last: by side, id and unit.
    Blames = Mapping[tuple[str, str, str], "Blame"]

#: What a blame names: the commit that changed the cell, a change that is not committed, the oldest commit that was
#: looked at, an event, a change without an event, a cell that is as it was agreed, nothing.
COMMIT, UNCOMMITTED, AT_OR_BEFORE = "commit", "uncommitted", "at-or-before"
EVENT, UPDATED_AT, UNCHANGED, UNKNOWN = "event", "updated_at", "unchanged", "unknown"

#: The events after which an item's status is another one, or may be (RECONCILE section 16.1).
_STATE_EVENTS = frozenset(
    {
        *("added", "picked", "done", "failed", "blocked", "retried", "replan", "idempotency_skipped"),
        *("cancelled", "reconciled", "reconcile_undone"),
    }
)
_REVIEW = "review_gate"
_SHORT_COMMIT = 7
_LONGEST_TEXT = 80
#: Year 1 to 9999, in epoch seconds: other times are none.
_TIMES = range(-62_135_596_800 + 86_400, 253_402_300_800 - 86_400)


class Blame(Struct, frozen=True, omit_defaults=True):
    """Who changed a cell, in the form of the plan's `$defs/blame`; its texts are untrusted, and kept as they are.

    `line` is where the row stands in the document now: a commit without a line took the row out. `subject` is the
    commit's, or the reason why nothing is known.
    """

    what: str
    who: str | None = None
    when: str | None = None
    commit: str | None = None
    line: int | None = None
    event_id: int | None = None
    event_type: str | None = None
    subject: str | None = None


#: The database's side of a unit that no event touched since it was agreed.
NO_EVENT = Blame(UNCHANGED)


def unknown(reason: str) -> Blame:
    """Return the blame for what cannot be found out, with the reason."""
    return Blame(UNKNOWN, subject=reason)


def as_unchanged(blame: Blame) -> Blame:
    """Return the blame of a cell that is as it was agreed: nobody moved it since its commit."""
    if blame.what != COMMIT:
        return blame
    return Blame(UNCHANGED, blame.who, blame.when, blame.commit, blame.line, subject=blame.subject)


def bears_state(event: Event) -> bool:
    """Return whether an event tells of a status: leases, guardrails and reviews but `RETRY` do not."""
    if event.event_type == _REVIEW:
        return "RETRY" in {text.upper() for text in _payload(event.payload).values() if isinstance(text, str)}
    return event.event_type in _STATE_EVENTS


def database_blame(event: Event | None, updated_at: str | None) -> Blame:
    """Return the blame of an item in the database: its newest event that bears state, else when it was last written.

    Without an event the likeliest cause is an import, or SQL by hand.
    """
    if event is not None:
        return Blame(
            EVENT,
            who=_actor(event.payload),
            when=event.created_at,
            event_id=event.event_id,
            event_type=event.event_type,
        )
    return Blame(UPDATED_AT, when=updated_at) if updated_at else unknown("no event")


def blame_line(side: str, blame: Blame, path: str = "") -> str:
    """Return the line that shows a blame of a side, `path` being the document's; all text in it is neutralized."""
    return f"{side}: {blame_words(side, blame, path)}"


def blame_words(side: str, blame: Blame, path: str = "") -> str:
    """Return a blame of a side in words, `path` being the document's; all text in it is neutralized."""
    where = f" {visible(path)}:{blame.line}" if path and blame.line else ""
    short = _shown((blame.commit or NOTHING)[:_SHORT_COMMIT])
    commit = f"{short} ({_shown(blame.who)}, {_shown(blame.when)})"
    since = f"since {commit}" if blame.commit else ""
    who = f" by {_shown(blame.who)}" if blame.who else ""
    words = {
        COMMIT: f"{commit}{where}" if blame.line else f"removed in {commit}",
        UNCOMMITTED: f"uncommitted{where}",
        AT_OR_BEFORE: f"at or before {short}{where}",
        EVENT: f"{_shown(blame.event_type)}{who}, {_shown(blame.when)} (event {blame.event_id})",
        UPDATED_AT: f"updated_at {_shown(blame.when)}, no event",
        UNCHANGED: f"unchanged {since}".rstrip() if since or side != DB else "no event since the baseline",
        UNKNOWN: f"unknown ({_shown(blame.subject)})",
    }
    return words[blame.what]


def commit_time(epoch_s: int | None, zone: Zone) -> str:
    """Return a commit's time as a queue time, `-` for one that no calendar has."""
    return queue_time(epoch_s, zone) if epoch_s is not None and epoch_s in _TIMES else NOTHING


def _shown(text: str | None) -> str:
    """Return untrusted text on one line, visible, and not longer than a line bears."""
    shown = visible((text or NOTHING)[: _LONGEST_TEXT + 1])
    return shown if len(shown) <= _LONGEST_TEXT else shown[: _LONGEST_TEXT - 1] + "…"


def _actor(payload: str) -> str | None:
    known = _payload(payload)
    named = (known.get(name) for name in ("actor", "owner_session"))
    return next((who for who in named if isinstance(who, str) and who.strip() not in {"", NOTHING}), None)


def _payload(text: str) -> dict[str, object]:
    """Return an event's payload, empty if it is no JSON object."""
    try:
        return decode(text, type=dict[str, object])
    except (DecodeError, RecursionError, TypeError, ValueError):
        return {}
