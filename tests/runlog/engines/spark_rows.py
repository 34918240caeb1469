"""Run what Spark's workers run in this process, and put their rows together as the driver does."""

from __future__ import annotations

import os
from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ops_checks.runlog.engines.spark import worker
from ops_checks.runlog.engines.spark.answers import Log, PartRow, merge_rows, with_open_runs
from ops_checks.runlog.engines.spark.worker import Task
from ops_checks.runlog.line_reader import detect_by
from ops_checks.runlog.percentiles import Durations, float_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.stats import RunStats

_BOM = b"\xef\xbb\xbf"


def by_files(paths: Sequence[str], cuts: Sequence[Sequence[int]], run_filter: RunFilter) -> RunStats:
    """Return the statistics of logs that are cut at some offsets, each part read by itself."""
    tasks, logs = [], []
    for file, (path, offsets) in enumerate(zip(paths, cuts, strict=True)):
        data = Path(path).read_bytes()
        packed = detect_by(path, data)
        bounds = [0, len(data)] if packed else [0, *sorted(min(offset, len(data)) for offset in offsets), len(data)]
        logs.append(_log(path, data, len(bounds) - 1))
        for part, (start, stop) in enumerate(pairwise(bounds)):
            tasks.append(Task(file, part, path, os.path.abspath(path), data[:256], len(data), start, stop, packed))
    numbers = pa.RecordBatch.from_pydict({"id": list(range(len(tasks)))})
    rows = worker.read_files([numbers], [tuple(task) for task in tasks], run_filter.plain())
    return put_together(logs, rows, detailed=run_filter.details)


def by_lines(contents: dict[str, bytes], run_filter: RunFilter, *, at_once: int) -> RunStats:
    """Return the statistics of logs whose lines come as Spark's text source cuts them, so many in a batch."""
    tasks, logs, batches = {}, [], []
    for file, (name, data) in enumerate(contents.items()):
        logs.append(_log(name, data, int(bool(data))))
        tasks[file] = tuple(Task(file, 0, name, name, data[:256], len(data)))
        lines = data.removeprefix(_BOM).split(b"\n")
        lines = lines[:-1] if not lines[-1] else lines
        for at in range(0, len(lines), at_once):
            some = lines[at : at + at_once]
            batches.append(pa.RecordBatch.from_pydict({"file": [file] * len(some), "line": some}))
        if data and not lines:  # a mark alone: an empty line to Spark
            batches.append(pa.RecordBatch.from_pydict({"file": [file], "line": [b""]}))
    rows = worker.read_streams(batches, tasks, run_filter.plain())
    return put_together(logs, rows, detailed=run_filter.details)


def _log(name: str, data: bytes, parts: int) -> Log:
    modified_ms = int(os.stat(name).st_mtime * 1000) if Path(name).exists() else 0
    return Log(name, len(data), modified_ms, data[:4096], parts)


def put_together(logs: Sequence[Log], batches: Iterable[Any], *, detailed: bool) -> RunStats:
    """Return the statistics from batches of a worker's table, as the driver and Spark make them."""
    rows = [PartRow(*row) for row in _plain(batches)]
    kinds = (worker.STATS, worker.FAILURE)
    merged = merge_rows(logs, [row for row in rows if row.kind in kinds], detailed=detailed)
    pairs = sorted((row.key, row.file, row.part, row.n, row.payload) for row in rows if row.kind == worker.PAIRS)
    names = ("key", "file", "part", "n", "payload")
    columns = (
        dict(zip(names, map(list, zip(*pairs, strict=True)), strict=True)) if pairs else {name: [] for name in names}
    )
    opened = sorted(_plain(worker.pair_up([pa.RecordBatch.from_pydict(columns)])))
    stats = with_open_runs(merged, logs, opened, len(opened))
    stats.durations = Durations()
    for row in rows:
        if row.kind == worker.DURATIONS:
            stats.durations.counts[float_of(row.key)] += row.n
    groups = {worker.group_name(at, key): each for at, found in enumerate(stats.groups) for key, each in found.items()}
    for row in rows:
        if row.kind == worker.GROUPED:
            groups[row.payload].durations.counts[float_of(row.key)] += row.n
    return stats


def _plain(batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def sums(function: str, values: Sequence[float], *arguments: float) -> list[Fraction]:
    """Return sums of durations as a function of the worker computes them."""
    bits = pa.array(list(worker.bits_of(array("d", values))), pa.int64())
    counts = pa.array([1] * len(values), pa.int64())
    batch = pa.RecordBatch.from_arrays([bits, counts], names=["key", "n"])
    (found,) = _plain(getattr(worker, function)([batch], *arguments))
    return [Fraction(int(each, 16), 1 << 1074) for each in found]
