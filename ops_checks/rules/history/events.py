"""One event as the laws read it, and what its payload says of a status, a lease, attempts (RECONCILE section 16.1)."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, decode
from msgspec.structs import replace

from ops_checks.model import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

PICKED, DONE, FAILED, BLOCKED = "picked", "done", "failed", "blocked"
ADDED, RETRIED, REPLAN, SKIPPED, REVIEW = "added", "retried", "replan", "idempotency_skipped", "review_gate"
CANCELLED, RECONCILED, UNDONE = "cancelled", "reconciled", "reconcile_undone"
ACQUIRED, RENEWED, RELEASED = "lease_acquired", "lease_renewed", "lease_released"
LEASES = frozenset({ACQUIRED, RENEWED, RELEASED})

#: The status after an event of which nobody can tell it: its payload should say so, and does not.
UNKNOWN = "?"
_RETRY = "RETRY"
#: What workers and the watchdog write: the type says all, whatever the payload holds.
_BY_TYPE = {
    PICKED: "IN_PROGRESS",
    DONE: "DONE",
    FAILED: "FAILED",
    BLOCKED: "BLOCKED",
    RETRIED: "PENDING",
    SKIPPED: "DONE",
}
#: What comes with the status after it, and the status where it says none; other programs' `replan` is to PENDING.
_BY_PAYLOAD = {ADDED: "PENDING", REPLAN: "PENDING", CANCELLED: "BLOCKED", RECONCILED: UNKNOWN, UNDONE: UNKNOWN}
_STATELESS = LEASES | {"guardrail"}


class Counts(Struct, frozen=True, gc=False):
    """The attempts of an item, as an event of ours holds them before and after (FORMATS section 5)."""

    attempt_count: int | None = None
    max_attempts: int | None = None


class Payload(Struct, frozen=True, gc=False):
    """What the laws read of a payload; all else in it is skipped, and so is what has another type.

    `to` is the status after an event of ours, `status` that of another program's replan; `verdict` a review's.
    `imported`: the item came from the other side, and may have been worked on before. A lease's owner has several
    names in the field.
    """

    to: str | None = None
    status: str | None = None
    verdict: str | None = None
    imported: bool | str | None = None
    before: Counts | None = None
    after: Counts | None = None
    lease_owner: str | None = None
    owner_session: str | None = None
    owner: str | None = None
    worker: str | None = None
    actor: str | None = None

    @property
    def who(self) -> str | None:
        """Who held the lease, or did it; None where it does not say."""
        named = _owners_of(self)
        return next((each for each in named if each and each != "-"), None)

    @property
    def attempts_given_back(self) -> int:
        """How many attempts an undo took off again."""
        before, after = self.before, self.after
        if not before or not after or before.attempt_count is None or after.attempt_count is None:
            return 0
        return max(0, before.attempt_count - after.attempt_count)


#: The payload that is no JSON object: it is told by identity.
UNREADABLE = Payload(to="no JSON object")
PLAIN = Payload()
#: What may be a lease's owner, the most telling name first.
_OWNERS = ("lease_owner", "owner_session", "owner", "worker", "actor")
_owners_of = attrgetter(*_OWNERS)
#: The owner as most writers name it, and what else a law may depend on.
owner_of = attrgetter("owner_session")
details_of = attrgetter(*(name for name in Payload.__struct_fields__ if name != "owner_session"))

_decode = Decoder(Payload).decode
#: Payloads of so many bytes are decoded one by one: to look at them together takes a copy of them all.
_LONG = 1 << 20
_TYPES: dict[str, Any] = dict.fromkeys(("to", "status", "verdict", *_OWNERS), str) | {
    "imported": bool | str,
    "before": Counts,
    "after": Counts,
}
_NOT_READ = (DecodeError, RecursionError, TypeError, UnicodeError)


class Event(NamedTuple):
    """One event of an item; `created_at` as stored."""

    event_id: int
    type: str
    created_at: str
    payload: Payload

    @property
    def is_unclear(self) -> bool:
        """Whether the payload should say what became of the item, and cannot be read."""
        return self.payload is UNREADABLE and self.type in {REVIEW, RECONCILED, UNDONE}

    @property
    def status(self) -> str | None:
        """The status of the item after the event, UNKNOWN where it does not say so, None if it changes none."""
        if self.type in _STATELESS:
            return None
        if self.type == REVIEW:
            return UNKNOWN if self.payload is UNREADABLE else "PENDING" if self.payload.verdict == _RETRY else None
        if self.type in _BY_TYPE:
            return _BY_TYPE[self.type]
        payload = self.payload
        default = UNKNOWN if payload.imported else _BY_PAYLOAD.get(self.type)
        told = (payload.to, payload.status) if self.type == REPLAN else (payload.to,)
        return next((each for each in told if each in STATUSES), default)

    @property
    def puts_back(self) -> bool:
        """Whether the item could be picked once more after it; where nobody can tell, it could."""
        if self.type in _BY_TYPE or self.type == ADDED:
            return self.type == RETRIED
        return self.status in {"PENDING", UNKNOWN}

    @property
    def moves(self) -> bool:
        """Whether it is an operator's or a program's decision on the status, not a worker's report."""
        return self.type not in {*_BY_TYPE, ADDED} and self.status is not None

    @property
    def clears_lease(self) -> bool:
        """Whether a lease may have ended with it."""
        return self.type == RETRIED or (self.moves and self.status != "IN_PROGRESS")


def read_payloads(types: Sequence[str], texts: Sequence[object]) -> list[Payload]:
    """Return the payload of each event, UNREADABLE for what is no JSON object; as stored: text, bytes, anything."""
    found = _read_all(texts)
    if REVIEW in types:
        reviews = (at for at, each in enumerate(types) if each == REVIEW and found[at] is not UNREADABLE)
        for at in reviews:
            found[at] = replace(found[at], verdict=_RETRY if _says_retry(texts[at]) else None)
    return found


def _read_all(texts: Sequence[object]) -> list[Payload]:
    """Return the payloads, all of them decoded in one loop if none is out of the ordinary."""
    try:
        if sum(map(len, texts)) < _LONG:  # type: ignore[arg-type] # or TypeError
            b"\n".join(texts).decode()  # type: ignore[arg-type] # the decoder skips texts without a look at them
            return list(map(_decode, texts))  # type: ignore[arg-type] # they are bytes
    except _NOT_READ:
        pass
    return list(map(read_payload, texts))


def read_payload(text: object) -> Payload:
    """Return a payload, UNREADABLE if it is no JSON object: values of other types in one are as good as absent."""
    try:
        return _decode(str(text, "utf-8") if isinstance(text, bytes) else text)  # type: ignore[arg-type] # see _NOT_READ
    except ValidationError:
        known = _object(text)
    except _NOT_READ:
        return UNREADABLE
    if known is None:
        return UNREADABLE
    return Payload(**{name: _value(known[name], kind) for name, kind in _TYPES.items() if name in known})


def _says_retry(text: object) -> bool:
    """Return whether the payload of a review says RETRY, by whatever name."""
    values = (_value(raw, str) for raw in (_object(text) or {}).values())
    return any(isinstance(each, str) and each.upper() == _RETRY for each in values)


def _object(text: object) -> dict[str, Raw] | None:
    """Return the values of a JSON object as they are written, None for what is none."""
    return _decoded(text, dict[str, Raw])  # type: ignore[no-any-return] # or None


def _value(raw: Raw, kind: Any) -> Any:  # noqa: ANN401 - of that kind
    """Return a value of a kind, None for any other."""
    return _decoded(raw, kind)


def _decoded(text: Any, kind: Any) -> Any:  # noqa: ANN401 - whatever was stored, and of that kind
    """Return a JSON value of a kind, None for what is none of it."""
    try:
        return decode(text, type=kind)
    except _NOT_READ:
        return None
