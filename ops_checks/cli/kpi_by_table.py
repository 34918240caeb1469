"""The KPIs of groups of runs as a table of text, one line a group."""

from __future__ import annotations

from ops_checks.cli.item_table import cut
from ops_checks.cli.lines import number
from ops_checks.rules.kpi.groups import WAYS, shown_first
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.rules.kpi.groups import GroupKpis, KpisBy

_HEADS = (
    "RUNS",
    "DONE",
    "FAILED",
    "ERRORS",
    "SHARE",
    "FAILURE_RATE",
    "LOW_95",
    "HIGH_95",
    "P50_MS",
    "P95_MS",
    "P99_MS",
)
_GAP = "  "
_NO_NAME = '""'


def table_lines(found: KpisBy, *, most: int, columns: int | None) -> Iterator[str]:
    """Yield the table: the head, at most `most` groups (0: all) with how many more there are, and the total.

    The name stands last, where it may be as long as it is; lines are cut to `columns` of a terminal, None: not at all.
    """
    lines = _lines(found, most)
    yield from lines if columns is None else (cut(line, columns) for line in lines)


def _lines(found: KpisBy, most: int) -> Iterator[str]:
    shown, more = shown_first(found, most)
    rows = [_HEADS, *(_cells(group) for group in (*shown, found.total))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *numbers, total = (_GAP.join(map(str.rjust, cells, widths)) for cells in rows)
    others = f"{'earlier' if found.of_time else 'more'} {found.by if more == 1 else WAYS[found.by]}"
    told = [f"- {more} {others} (-n 0 shows all)"] if more else []
    yield f"{head}{_GAP}{found.by.upper()}"
    yield from told if found.of_time else ()
    for cells, group in zip(numbers, shown, strict=True):
        yield f"{cells}{_GAP}{visible(group.name) or _NO_NAME}"
        if group.example not in {None, group.name}:
            yield f"{' ' * len(head)}{_GAP}e.g. {visible(group.example or '')}"
    yield from () if found.of_time else told
    yield f"{total}{_GAP}{found.total.name}"


def _cells(group: GroupKpis) -> tuple[str, ...]:
    counts = (group.runs, group.done, group.failed, group.errors)
    rates = (group.share, group.failure.value, group.failure.low, group.failure.high)
    shown = ("-" if rate is None else f"{rate:.2%}" for rate in rates)
    return (*map(str, counts), *shown, *map(number, (group.p50, group.p95, group.p99)))
