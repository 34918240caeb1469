"""Stretches of time over a run log, and the runs that end in one of them, counted in the one reading of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.runlog.grouping import BY_TIME, Grouping, GroupStats, merge_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.runlog.grouping import Groups


class Stretch(NamedTuple):
    """From when on (inclusive) to when (exclusive), in epoch milliseconds."""

    begin: int
    end: int


def grouping_of(stretches: Iterable[Stretch]) -> Grouping:
    """Return the grouping of runs by which each of some stretches is a number of whole groups."""
    return Grouping(BY_TIME, tuple(sorted({bound for stretch in stretches for bound in stretch})))


def runs_within(groups: Groups, stretch: Stretch) -> GroupStats:
    """Return the statistics of the runs in a stretch, from groups by a `grouping_of` it and others."""
    return merge_groups(_within(groups, stretch))


def counts_within(groups: Groups, stretch: Stretch) -> GroupStats:
    """Return the same without durations."""
    whole = GroupStats()
    for each in _within(groups, stretch):
        whole.add_counts(each)
    return whole


def _within(groups: Groups, stretch: Stretch) -> Iterator[GroupStats]:
    for begin, stats in groups.items():
        if isinstance(begin, int) and stretch.begin <= begin < stretch.end:
            yield stats
