"""Paths of SVG, in units of WIDTH to the whole width, and pixels downwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.formats.html.scales import WIDTH, pixels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    #: A share of the width, and pixels from the top.
    Spot = tuple[float, float]


def line(runs: Iterable[Sequence[Spot]]) -> str:
    """Return a line through the spots of each run, with a gap between runs; of a single spot it is a dot."""
    return "".join(f"M{_joined(run)}{'h0' if len(run) == 1 else ''}" for run in runs)


def band(runs: Iterable[Sequence[tuple[float, float, float]]]) -> str:
    """Return the area between two heights, for each run of spots (share of the width, upper and lower pixel)."""
    return "".join(
        f"M{_joined([(x, upper) for x, upper, _ in run])}L{_joined([(x, lower) for x, _, lower in reversed(run)])}Z"
        for run in runs
    )


def steps(spots: Sequence[tuple[float, float, float]]) -> str:
    """Return the area between two heights that hold from each spot to the next one, and from the last to the end."""
    ends = [x for x, _, _ in spots[1:]] + [1.0]
    upper = "".join(f"V{pixels(top)}H{pixels(end * WIDTH)}" for (_, top, _), end in zip(spots, ends, strict=True))
    lower = "".join(f"V{pixels(low)}H{pixels(x * WIDTH)}" for x, _, low in reversed(spots))
    return f"M{_joined([spots[0][:2]])}{upper}{lower}Z"


def _joined(spots: Iterable[Spot]) -> str:
    return "L".join(f"{pixels(x * WIDTH)} {pixels(y)}" for x, y in spots)
