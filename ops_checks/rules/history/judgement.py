"""Judge the history of every item, from a stream of rows and events (RECONCILE section 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from ops_checks.findings import Finding, Place, unlisted
from ops_checks.rules.history.grouping import grouped
from ops_checks.rules.history.rules import HISTORY_CHECKS
from ops_checks.rules.rule import RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from ops_checks.model import Item
    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.grouping import Group, Signature
    from ops_checks.rules.history.history import Broken, History
    from ops_checks.stores.protocol import Recorded

#: So many findings a rule are kept unless somebody asks for more.
DEFAULT_KEEP = 50
#: So many events are shown with a finding, and so many characters of what one says.
_SHOWN_EVENTS = 6
_SHOWN_TEXT = 60
#: So many findings are noted for a second reading: what is true of more items is no race.
_MOST_NOTED = 100_000
#: So many ways in which an item went well are remembered.
_MOST_KNOWN = 10_000


class Kept(NamedTuple):
    """A finding that is kept: the item (None for events that name none), and the law that it breaks."""

    item: str | None
    broken: Broken


class Judgement(Struct):
    """What the laws found: `items` rows, `histories` items with events, `counts` and kept `findings` by rule.

    `noted` are pairs of rule and item, to be looked for again; `complete`: all findings are among them. `unlisted` are
    findings that were not kept, by rule, as far as they were recorded.
    """

    counts: dict[str, int]
    findings: dict[str, list[Finding]]
    items: int = 0
    histories: int = 0
    noted: set[tuple[str, str | None]] = field(default_factory=set)
    complete: bool = True
    unlisted: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no law is broken."""
        return not any(self.counts.values())


class Judge:
    """Judges item by item; `keep` findings a rule are kept (0: all; None: DEFAULT_KEEP), the others are counted.

    `only`: the pairs of rule and item that count, None for all. `absent`: see `broken_laws`.
    """

    def __init__(
        self,
        *,
        keep: int | None = None,
        only: Container[tuple[str, str | None]] | None = None,
        absent: Container[str] = (),
    ) -> None:
        self._absent = absent
        self._keep = DEFAULT_KEEP if keep is None else keep
        self._only = only
        ids = [check.rule.id for check in HISTORY_CHECKS]
        self._kept: dict[str, list[Kept]] = {rule: [] for rule in ids}
        self._found = Judgement(dict.fromkeys(ids, 0), {rule: [] for rule in ids})
        #: Histories that break no law, as far as the laws can tell them apart.
        self._legal: set[Signature] = set()

    def judge(self, batches: Iterable[Recorded], item_of: Callable[[str], Item | None], path: str) -> Judgement:
        """Return what the laws find in a stream of rows and events; see `Recorded`.

        `item_of` returns an item by its id, for those that are shown; `path` is the database's.
        """
        found, legal = self._found, self._legal
        for group in grouped(batches):
            found.items += group.has_row
            if group.has_events:
                found.histories += 1
                signature = group.signature
                if signature is None or signature not in legal:
                    self._judge_one(signature, group)
        for rule, kept in self._kept.items():
            self._found.findings[rule] = [_finding(rule, each, item_of, path) for each in kept]
        return self._found

    def _judge_one(self, signature: Signature | None, group: Group) -> None:
        history = group.history()
        is_legal = True
        for rule, broken in broken_laws(history, self._absent):
            is_legal = False
            self._add(rule, group.item, broken)
        # Times count only where the newest event's status is another one.
        if is_legal and signature is not None and history.agrees_with_newest:
            if len(self._legal) >= _MOST_KNOWN:
                self._legal.clear()
            self._legal.add(signature)

    def _add(self, rule: str, item: str | None, broken: Broken) -> None:
        if self._only is not None and (rule, item) not in self._only:
            return
        found, kept = self._found, self._kept[rule]
        found.counts[rule] += 1
        if len(found.noted) < _MOST_NOTED:
            found.noted.add((rule, item))
        else:
            found.complete = False
        if not self._keep or len(kept) < self._keep:
            kept.append(Kept(item, broken))
        elif len(rest := found.unlisted.setdefault(rule, [])) < RECORDED:
            rest.append(unlisted(rule, item))


def broken_laws(history: History, absent: Container[str] = ()) -> Iterator[tuple[str, Broken]]:
    """Yield the rules whose law a history breaks, each with what is out; of events without an item little is told.

    `absent` are columns that the database lacks: what needs one is not evaluated.
    """
    for check in HISTORY_CHECKS:
        if check.column not in absent and (history.row is not None or check.of_orphans):
            broken = check.law(history)
            if broken is not None:
                yield check.rule.id, broken


def evidence(broken: Broken) -> str:
    """Return the events that show what is out: `event 12 picked by worker:core-1 2026-01-01 10:00, …`, the newest."""
    shown = broken.events[-_SHOWN_EVENTS:]
    left_out = len(broken.events) - len(shown)
    earlier = [f"{left_out} earlier"] if left_out else []
    return ", ".join((*earlier, *map(_shown, shown)))


def _shown(event: Event) -> str:
    who = event.payload.who
    by = f" by {_cut(who)}" if who else ""
    return f"event {event.event_id} {_cut(event.type)}{by} {_cut(event.created_at)}".rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else text[: _SHOWN_TEXT - 1] + "…"


def _finding(rule: str, kept: Kept, item_of: Callable[[str], Item | None], path: str) -> Finding:
    item = item_of(kept.item) if kept.item else None
    rows = (Place(path, table="queue_items", key=item.id),) if item else ()
    events = (Place(path, table="queue_events", key=str(each.event_id)) for each in kept.broken.events[-_SHOWN_EVENTS:])
    return Finding(
        rule,
        f"{kept.item or '(no id)'} {kept.broken.what}",
        kept.item,
        reason=evidence(kept.broken),
        places=(*rows, *events),
        task=item.task if item else None,
        owner=item.owner_session if item else None,
        priority=item.priority if item else None,
    )
