"""What a project's own rule in Python is given: items, events and runs, and a way to make findings of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place
from ops_checks.model import Item
from ops_checks.rules.own.model import EVENTS, ITEMS, RUNS
from ops_checks.timestamps import offset_s, start_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ops_checks.timestamps import Zone

Row = TypeVar("Row")


class RuleEvent(Struct, frozen=True, gc=False):
    """One event of an item (FORMATS section 2), as a rule reads it.

    `item` is the item's id, None for an event that names none; `payload` the JSON object that was written with it,
    None where that is no object; `created_at` the queue's time as it stands there. `path` is the database.
    """

    item: str | None
    type: str
    payload: Mapping[str, Any] | None = None
    created_at: str = ""
    event_id: int | None = None
    path: str = ""


class RuleRun(Struct, frozen=True, gc=False):
    """The end of one run in the log (`run_end`, FORMATS section 3), as a rule reads it.

    `item` is the id of its item, `trace` its trace id, each None where the line names none; so are `duration_ms`
    (milliseconds), `ts_epoch_ms` and `error`. `path` and `line` tell where it stands.
    """

    command: str
    exit_code: int = 0
    duration_ms: float | None = None
    item: str | None = None
    trace: str | None = None
    ts_epoch_ms: int | None = None
    error: str | None = None
    path: str = ""
    line: int | None = None


class Sources(NamedTuple):
    """Where a rule's rows come from, None for what it does not need; each can be iterated over more than once.

    `events_of` returns the events of the item with an id.
    """

    items: Iterable[Item] | None = None
    events: Iterable[RuleEvent] | None = None
    events_of: Callable[[str], Iterable[RuleEvent]] | None = None
    runs: Iterable[RuleRun] | None = None


class RuleContext:
    """What a rule judges: the rows that its `needs` name, streamed, as they were at one moment.

    Each of `items`, `events` and `runs` can be iterated over as often as a rule wants, and yields the same rows each
    time; asking for one that `needs` does not name raises InputError. `now_s` is the time in epoch seconds.
    """

    __slots__ = ("_rule", "_sources", "failure", "now_s", "zone")

    def __init__(self, rule: str, sources: Sources, *, now_s: float, zone: Zone) -> None:
        self._rule = rule
        self._sources = sources
        self.now_s = now_s
        self.zone = zone
        #: The first failure of a source, whatever the rule makes of it: or it would judge a part for the whole.
        self.failure: Exception | None = None

    @property
    def tz_minutes(self) -> int:
        """The offset of the queue's zone at `now_s`, in minutes east of UTC; `epoch_s` knows those of other times."""
        return offset_s(self.zone, self.now_s) // 60

    def epoch_s(self, text: str) -> int | None:
        """Return the epoch second of a queue time, `YYYY-MM-DD HH:MM` in its zone, None for a text that is none."""
        return start_epoch(text, self.zone)

    @property
    def items(self) -> Iterable[Item]:
        """The items of the queue, in its order."""
        return self._rows(ITEMS, self._sources.items)

    @property
    def events(self) -> Iterable[RuleEvent]:
        """All events of the database, the oldest first."""
        return self._rows(EVENTS, self._sources.events)

    def events_of(self, item_id: str) -> Iterable[RuleEvent]:
        """Return the events of the item with an id, the oldest first."""
        events_of = self._sources.events_of
        return self._rows(EVENTS, None if events_of is None else events_of(item_id))

    @property
    def runs(self) -> Iterable[RuleRun]:
        """The ends of the runs in the log, in its order; the policy's window and commands leave none of them out."""
        return self._rows(RUNS, self._sources.runs)

    def finding(
        self,
        about: Item | RuleEvent | RuleRun | str | None,
        message: str,
        *,
        value: float | None = None,
        field: str | None = None,
        reason: str | None = None,
    ) -> Finding:
        """Return a finding of this rule about an item (or its id), an event, a run, or, given None, the whole.

        `message` is one line; `value` a number that says how much, `field` the field of the item that is meant,
        `reason` why it counts. With its rule, item and field (a run without an item: its trace id) a finding is known
        again the next time, and waived. Raises TypeError for what a finding cannot be about.
        """
        return Finding(self._rule, message, field=field, value=value, reason=reason)._replace(**_of(about))

    def _rows(self, name: str, rows: Iterable[Row] | None) -> Iterable[Row]:
        """Return rows that keep their failure. Raises InputError for those that the rule's needs do not name."""
        if rows is None:
            self.failure = self.failure or InputError(
                f"{self._rule}: reads the {name}, which its needs do not name: add {name} to its needs in the policy"
            )
            raise self.failure
        return _Rows(rows, self)


class _Rows(Generic[Row]):
    """Rows of a source, whose failure is kept in the context."""

    __slots__ = ("_context", "_rows")

    def __init__(self, rows: Iterable[Row], context: RuleContext) -> None:
        self._rows = rows
        self._context = context

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from self._rows
        except Exception as error:
            self._context.failure = self._context.failure or error
            raise


def _of(about: object) -> dict[str, Any]:
    """Return the fields of a finding that tell what it is about, and where that stands."""
    if isinstance(about, Item):
        return {"item": about.id, "task": about.task, "owner": about.owner_session, "priority": about.priority}
    if isinstance(about, RuleEvent):
        key = None if about.event_id is None else str(about.event_id)
        return {"item": about.item, "places": (Place(about.path, table="queue_events", key=key),) if about.path else ()}
    if isinstance(about, RuleRun):
        places = (Place(about.path, about.line),) if about.path else ()
        return {"item": about.item, "trace": about.trace, "places": places}
    if about is None or isinstance(about, str):
        return {"item": about}
    raise TypeError(f"a finding is about an Item, an event, a run or an id, not {type(about).__name__}")
