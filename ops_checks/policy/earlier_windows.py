"""The earlier windows that a window of the KPIs can be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import UsageError
from ops_checks.policy.window import Window
from ops_checks.rules.kpi.regression import LAST_WEEK, PREVIOUS
from ops_checks.timestamps import offset_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.timestamps import Zone

WEEK_S = 7 * 86_400


def right_before(window: Window, _zone: Zone) -> Window:
    """Return the window of the same length that ends where this one begins."""
    since_s, until_s = window.bounds
    return Window(2 * since_s - until_s, since_s)


def week_before(window: Window, zone: Zone) -> Window:
    """Return the same window a week earlier, by the zone's clock, as far as it is before the window.

    A week in which the clock went forward would end in itself. Raises UsageError for one longer than a week.
    """
    if length_s(window, zone) > WEEK_S:
        raise UsageError(
            "--compare last-week: the window is longer than a week, so that both would hold the same runs: "
            "narrow it with --window 7d, or compare it with the previous one"
        )
    since_s, until_s = (_week_earlier(at_s, zone) for at_s in window.bounds)
    return Window(since_s, min(until_s, window.bounds[0]))


def length_s(window: Window, zone: Zone) -> float:
    """Return how many seconds a window is long; by the zone's clock, where that was set back in it."""
    since_s, until_s = window.bounds
    return window.seconds + min(0, offset_s(zone, until_s) - offset_s(zone, since_s))


def _week_earlier(at_s: float, zone: Zone) -> float:
    """Return when the zone's clock showed the same a week earlier; fractions of a second stay."""
    if isinstance(zone, int):
        return at_s - WEEK_S
    whole_s = at_s // 1
    return zone.epoch_s(int(whole_s) + offset_s(zone, at_s) - WEEK_S) + at_s - whole_s


#: The earlier windows that can be compared with.
EARLIER: Mapping[str, Callable[[Window, Zone], Window]] = {PREVIOUS: right_before, LAST_WEEK: week_before}
