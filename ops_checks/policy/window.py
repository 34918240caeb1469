"""The window of the KPIs: from when to when runs and retries count (FORMATS sections 4 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import UsageError
from ops_checks.sanitize import visible
from ops_checks.timestamps import TIMES, duration_s, duration_text, moment, queue_time, zone_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops_checks.policy.model import KpiPolicy
    from ops_checks.timestamps import Zone


class Window(NamedTuple):
    """From when on (inclusive) to when (exclusive) something counts, in epoch seconds; None stands for no bound."""

    since_s: float | None = None
    until_s: float | None = None

    @property
    def since_ms(self) -> int | None:
        """The first time in it, in epoch milliseconds."""
        return None if self.since_s is None else int(self.since_s * 1000)

    @property
    def until_ms(self) -> int | None:
        """The first time behind it, in epoch milliseconds."""
        return None if self.until_s is None else int(self.until_s * 1000)

    @property
    def bounded(self) -> bool:
        """Whether anything may lie outside of it."""
        return self != _ALL

    @property
    def bounds(self) -> tuple[float, float]:
        """Both bounds, of a window that has them."""
        assert self.since_s is not None and self.until_s is not None  # noqa: PT018, S101 - asked for such windows alone
        return self.since_s, self.until_s

    @property
    def seconds(self) -> float:
        """How long it is, of a window that has both bounds."""
        since_s, until_s = self.bounds
        return until_s - since_s

    def ended(self, now_s: float) -> Window:
        """Return it with an end that has come: now, where it has none or one that lies ahead."""
        return self._replace(until_s=now_s if self.until_s is None else min(self.until_s, now_s))

    def text(self, zone: Zone) -> str:
        """Return it in words, in a zone: `from 2026-03-29 00:00 to 2026-03-30 00:00 (Europe/Berlin)`."""
        bounds = (("from", self.since_s), ("to", self.until_s))
        words = [f"{word} {queue_time(at, zone)}" for word, at in bounds if at is not None]
        return f"{' '.join(words)} ({zone_text(zone)})"


_ALL = Window()
_CLOCK = len("HH:MM")


def kpi_window(kpi: KpiPolicy, now_s: float, zone: Zone) -> Window:
    """Return the window of the KPIs at a time, by the clock of the queue's zone.

    A `window` reaches back from `until`, or from now. Raises UsageError for one that cannot hold anything.
    """
    until_s = _moment("until", kpi.until, now_s, zone)
    since_s = _moment("since", kpi.since, now_s, zone)
    if kpi.window_s is not None:
        since_s = (now_s if until_s is None else until_s) - kpi.window_s
    if since_s is not None and since_s >= min(now_s, now_s if until_s is None else until_s):
        begins = f"the window of the KPIs ({window_settings(kpi)}) begins at {queue_time(since_s, zone)}"
        ends = "lies ahead" if since_s >= now_s or until_s is None else f"is not before {queue_time(until_s, zone)}"
        raise UsageError(f"{begins}, which {ends}: nothing can lie in it: expected an earlier time")
    return Window(since_s, until_s)


def window_defects(kpi: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield key and message of what is wrong with the window of a policy's `kpi`, whenever and wherever it is read."""
    given = {name: text for name in ("since", "until") if isinstance(text := kpi.get(name), str)}
    times = {name: at for name, text in given.items() if (at := moment(text, 0, 0)) is not None}
    yield from ((name, f"{text!a} is no time; expected {TIMES}") for name, text in given.items() if name not in times)
    if len(times) == len(given) > 1 and _in_order_always(*given.values()) and times["since"] >= times["until"]:
        yield "since", f"{given['since']} is not before until, {given['until']}; expected an earlier time"
    if "since" in given and "window" in kpi:
        yield "since", "contradicts window: both say when the KPIs begin; expected one of them"


def _in_order_always(*texts: str) -> bool:
    """Return whether the order of times is the same at each moment: all are so long ago, or all are dated."""
    return len({duration_s(text) is None for text in texts}) == 1 and not any(len(text) == _CLOCK for text in texts)


def _moment(name: str, text: str | None, now_s: float, zone: Zone) -> float | None:
    at = None if text is None else moment(text, now_s, zone)
    if at is None and text is not None:
        raise UsageError(f"{name} {text!a}: expected {TIMES}")
    return at


def window_settings(kpi: KpiPolicy) -> str:
    """Return the settings of the window that are there, "" without any: `window 7d, until 2026-01-01`."""
    window = None if kpi.window_s is None else duration_text(kpi.window_s)
    settings = (("window", window), ("since", kpi.since), ("until", kpi.until))
    return ", ".join(f"{name} {visible(text)}" for name, text in settings if text is not None)
