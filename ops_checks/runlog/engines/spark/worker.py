"""What Spark's workers run: our own reader over the bytes of a part of a log, to rows of one table.

A worker has no more of this package than what was shipped to it (see `shipping`). It gets and returns Arrow batches;
arguments are plain values, because they are unpickled before the package can be imported.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from msgspec import msgpack

from ops_checks.errors import InputError, OpsError
from ops_checks.runlog.engines.spark.serialize import serialize
from ops_checks.runlog.engines.spark.stream import Stream, spool
from ops_checks.runlog.filter import RunFilter, from_plain
from ops_checks.runlog.line_reader import open_log, range_reader, read_at
from ops_checks.runlog.part_reader import read_blocks, read_part
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.reader import read_packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.runlog.grouping import Groups, Key
    from ops_checks.runlog.stats import RunStats

#: What the rows of a table are, by their `kind`: the statistics of a part without what the others hold; durations
#: (`key`: the bits of the float, `n`: how many); what a trace id (`key`: its fingerprint) has left open in a part
#: (`n`: ends without an earlier start, `payload`: line and trace id of starts); why a part cannot be read; durations of
#: a group (`payload`: see `group_name`).
STATS, DURATIONS, PAIRS, FAILURE, GROUPED = range(5)
#: The columns of the table, in Spark's words; `file` and `part` are numbers in the order of the logs.
COLUMNS = "file int, part int, kind tinyint, key long, n long, payload binary"
#: The columns of the starts without an end.
OPEN_COLUMNS = "file int, part int, line long, trace string"
_ROWS = 1 << 16  # in a batch

_TABLE = pa.schema(
    [
        ("file", pa.int32()),
        ("part", pa.int32()),
        ("kind", pa.int8()),
        ("key", pa.int64()),
        ("n", pa.int64()),
        ("payload", pa.binary()),
    ]
)
_OPEN = pa.schema([("file", pa.int32()), ("part", pa.int32()), ("line", pa.int64()), ("trace", pa.string())])


class Task(NamedTuple):
    """A part of a log to read: its name in messages, and where a worker finds it; `head` are its first bytes.

    `start` and `stop` are offsets that may lie within a line, `size` the log's bytes when the work began.
    """

    file: int
    part: int
    name: str
    path: str
    head: bytes
    size: int
    start: int = 0
    stop: int = 0
    compression: str | None = None


def read_files(batches: Iterable[Any], tasks: Sequence[tuple[Any, ...]], run_filter: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the rows of parts of files that every worker has; a batch holds the numbers of tasks."""
    for batch in batches:
        for number in batch.column(0).to_pylist():
            task = Task(*tasks[number])
            yield from _rows(task, partial(_read_file, task, from_plain(run_filter)))


def read_streams(
    batches: Iterable[Any], tasks: dict[int, tuple[Any, ...]], run_filter: tuple[Any, ...]
) -> Iterator[Any]:
    """Yield the rows of logs that Spark's text source reads; a batch holds lines, each with the key of its log.

    Each log stands in one partition, from its first line to its last.
    """
    pieces = ((key, lines) for batch in batches for key, lines in _runs(batch))
    for key, group in groupby(pieces, key=lambda piece: piece[0]):
        task = Task(*tasks[key])
        stream = Stream(task.name, (lines for _, lines in group), task.head, task.size)
        yield from _rows(task, partial(_read_stream, stream, task, from_plain(run_filter)))


def read_contents(
    batches: Iterable[Any], tasks: dict[str, tuple[Any, ...]], run_filter: tuple[Any, ...]
) -> Iterator[Any]:
    """Yield the rows of packed logs; a batch holds the URL and the bytes of each."""
    for batch in batches:
        for url, content in zip(batch.column(0).to_pylist(), batch.column(1), strict=True):
            task = Task(*tasks[url])
            yield from _rows(task, partial(_read_content, task, content, from_plain(run_filter)))


def pair_up(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the starts without an end, from rows of `PAIRS` sorted by key, file and part.

    It is how `stats.merge` pairs the starts and ends of parts, and `RunStats.unfinished` those that it leaves.
    """
    rows = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    unfinished: list[tuple[int, int, int, str]] = []
    for _, same in groupby(rows, key=lambda row: row[0]):
        opened: list[tuple[int, int, int, str]] = []
        early = 0
        for _, file, part, ends, payload in same:
            closed = min(ends, len(opened))
            del opened[len(opened) - closed :]
            early += ends - closed
            opened += [(file, part, line, trace) for line, trace in msgpack.decode(payload)]
        unfinished += opened[early:]
        if len(unfinished) >= _ROWS:
            yield _open_rows(unfinished)
            unfinished = []
    yield _open_rows(unfinished)


def sums(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the exact sum of durations (columns `key` and `n`) in units of 2^-1074, as text."""
    total = sum(_exact(value) * count for value, count in _counted(batches))
    yield pa.RecordBatch.from_pydict({"total": [hex(total)]})


def powers(batches: Iterable[Any], mean: float, scale: float) -> Iterator[Any]:
    """Yield the sums of squares and cubes that `Durations.powers` returns, as `sums` does."""
    squares = cubes = 0
    for value, count in _counted(batches):
        apart = (value - mean) / scale
        squares += _exact(apart * apart) * count
        cubes += _exact(apart**3) * count
    yield pa.RecordBatch.from_pydict({"squares": [hex(squares)], "cubes": [hex(cubes)]})


def _counted(batches: Iterable[Any]) -> Iterator[tuple[float, int]]:
    """Yield durations, and how many there are of each."""
    for batch in batches:
        yield from zip(_values(batch.column(0)), batch.column(1).to_pylist(), strict=True)


def _exact(value: float) -> int:
    """Return a float in units of 2^-1074, of which each is a whole number."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (1074 - denominator.bit_length() + 1)


def group_name(number: int, key: Key) -> bytes:
    """Return what a group is called in the table: the number of its grouping, and its key there."""
    return msgpack.encode((number, key))


def bits_of(values: Iterable[float]) -> array[int]:
    """Return the bits of floats >= 0 as integers, which sort as they do."""
    bits = array("q")
    bits.frombytes(array("d", [value + 0.0 for value in values]).tobytes())  # -0.0 is 0.0
    return bits


def _values(bits: Any) -> array[float]:  # noqa: ANN401 - a column of Arrow
    values = array("d")
    values.frombytes(array("q", bits.to_pylist()).tobytes())
    return values


def _open_rows(rows: Sequence[tuple[int, int, int, str]]) -> Any:  # noqa: ANN401 - a batch of Arrow
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_OPEN)
    return pa.RecordBatch.from_arrays(
        [pa.array(values, kind) for values, kind in zip(columns, _OPEN.types, strict=True)], schema=_OPEN
    )


def _runs(batch: Any) -> Iterator[tuple[int, list[bytes]]]:  # noqa: ANN401 - a batch of Arrow
    """Yield the lines of a batch, log by log."""
    keys, lines = batch.column(0).to_pylist(), batch.column(1).to_pylist()
    if keys and keys.count(keys[0]) == len(keys):
        yield keys[0], lines
        return
    for key, group in groupby(zip(keys, lines, strict=True), key=lambda pair: pair[0]):
        yield key, [line for _, line in group]


def _read_file(task: Task, run_filter: RunFilter) -> RunStats:
    with _open_same(task) as descriptor:
        if task.compression:
            return read_packed(task.name, descriptor, task.compression, run_filter)
        start, stop = (_line_start(task, descriptor, offset) for offset in (task.start, task.stop))
        return read_part(task.name, descriptor, start, stop, run_filter, before=True)


def _open_same(task: Task) -> Any:  # noqa: ANN401 - what `open_log` returns
    """Open the file that the driver saw. Raises InputError for another one, on another machine say."""
    advice = "a path has to lead every worker to the same file: name a folder that they share, or a URL"
    try:
        with open_log(task.path) as descriptor:
            same = os.fstat(descriptor).st_size >= task.size and _begins(descriptor, task)
    except InputError as error:
        raise InputError(f"{error.message} (on a worker): {advice}") from error
    if not same:
        raise InputError(f"{task.name}: is shorter or another file on a worker: {advice}")
    return open_log(task.path)


def _begins(descriptor: int, task: Task) -> bool:
    return read_at(task.name, descriptor, len(task.head), 0) == task.head


def _line_start(task: Task, descriptor: int, offset: int) -> int:
    """Return where the first line after an offset begins; 0 and the log's size are what they are."""
    if not 0 < offset < task.size:
        return offset
    read = range_reader(task.name, descriptor, offset, task.size)
    while chunk := read():
        found = chunk.find(b"\n")
        if found >= 0:
            return offset + found + 1
        offset += len(chunk)
    return task.size


def _read_stream(stream: Stream, task: Task, run_filter: RunFilter) -> RunStats:
    stats = read_blocks(task.name, stream.read, run_filter)
    stream.must_be_whole()
    return stats


def _read_content(task: Task, content: Any, run_filter: RunFilter) -> RunStats:  # noqa: ANN401 - of Arrow
    data = memoryview(content.as_buffer())
    if len(data) != task.size or task.compression is None:
        raise InputError(f"{task.name}: changed while it was read: read it again")
    with spool(data) as descriptor:
        return read_packed(task.name, descriptor, task.compression, run_filter)


def _rows(task: Task, read: Callable[[], RunStats]) -> Iterator[Any]:
    """Yield the rows of a part: its durations and trace ids, and last its statistics, or why it cannot be read."""
    try:
        stats = read()
    except OpsError as error:
        yield _batch(task, FAILURE, [0], [0], [error.message.encode("utf-8", "surrogateescape")])
        return
    durations, stats.durations = stats.durations, Durations()
    counts = _counts(durations)
    while rows := list(islice(counts, _ROWS)):
        yield _batch(task, DURATIONS, *zip(*rows, strict=True))
    grouped = _grouped(stats.groups)
    while named := list(islice(grouped, _ROWS)):
        yield _batch(task, GROUPED, *zip(*named, strict=True))
    opened, stats.open_runs = stats.open_runs, {}
    early, stats.early_ends = Counter(stats.early_ends), array("q")
    stats.head = stats.tail = []
    pairs = iter(dict.fromkeys((*opened, *early)))
    while keys := list(islice(pairs, _ROWS)):
        starts = [msgpack.encode([(run.line, run.trace) for run in opened.get(key, ())]) for key in keys]
        yield _batch(task, PAIRS, keys, [early[key] for key in keys], starts)
    yield _batch(task, STATS, [len(opened)], [len(durations)], [serialize({0: stats})])


def _counts(durations: Durations) -> Iterator[tuple[int, int]]:
    """Yield the bits of durations, and how many there are of each."""
    return chain(
        zip(bits_of(durations.counts), durations.counts.values(), strict=True),
        ((bits, 1) for bits in bits_of(durations.uncounted)),
    )


def _grouped(groupings: Sequence[Groups]) -> Iterator[tuple[int, int, bytes]]:
    """Yield the bits of the durations of groups, how many of each, and the group; the groups have none then."""
    for number, groups in enumerate(groupings):
        for key, group in groups.items():
            durations, group.durations = group.durations, Durations()
            name = group_name(number, key)
            yield from ((bits, count, name) for bits, count in _counts(durations))


def _batch(
    task: Task, kind: int, keys: Sequence[int], counts: Sequence[int], payloads: Sequence[bytes] | None = None
) -> Any:  # noqa: ANN401 - a batch of Arrow
    rows = len(keys)
    empty: list[bytes | None] = [None] * rows
    columns = [[task.file] * rows, [task.part] * rows, [kind] * rows, keys, counts, payloads or empty]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _TABLE.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_TABLE)
