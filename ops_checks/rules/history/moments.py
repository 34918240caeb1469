"""The times of an item's events: never earlier than that of the event before, whatever their clocks said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.rules.history.events import Event
    from ops_checks.timestamps import Zone

_MOST_KNOWN = 1 << 14


class Moments:
    """Reads the times of events: queue times in a zone, from `least_ms` up to `now_ms` (epoch milliseconds).

    `undated` counts the events without a readable time in that range, which are taken to be of the time of the one
    before; `earlier` those that claim to be earlier than the one before, and are taken to be of its time.
    """

    def __init__(self, *, least_ms: int, now_ms: int, zone: Zone) -> None:
        self._now_ms = now_ms
        self.undated = 0
        self.earlier = 0
        self._least_ms = least_ms
        self._zone = zone
        self._known: dict[str, int | None] = {}

    def of(self, events: Sequence[Event]) -> Iterator[tuple[int | None, Event]]:
        """Yield the events of an item with their times; None for one of which nobody knows how long ago it was."""
        latest: int | None = None
        for event in events:
            ms = self._read(event.created_at)
            if ms is None:
                self.undated += 1
            elif latest is not None and ms < latest:
                self.earlier += 1
            else:
                latest = ms
            yield latest, event

    def _read(self, text: str) -> int | None:
        if text not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[text] = self._parsed(text)
        return self._known[text]

    def _parsed(self, text: str) -> int | None:
        second = start_epoch(text, self._zone)
        ms = None if second is None else second * 1000
        return ms if ms is not None and self._least_ms <= ms <= self._now_ms else None
