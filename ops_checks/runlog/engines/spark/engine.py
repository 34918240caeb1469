"""Read run logs on Spark: the same answers as the local reader's, from more bytes than one machine reads.

No engine's own JSON reader is strict: they take repeated keys, NaN and values of another type, and give other numbers.
So a worker runs our own reader over bytes (`worker`), part by part, and returns what `RunStats` holds of a part as rows
of one table. That is exactly how the local reader joins the parts of its threads (`runlog.parallel`, `stats.merge`),
and every rule stands in one place. What would grow with the lines stays in Spark: durations are counted there
(`durations`), starts and ends are paired there; only what is bounded by the number of parts comes here (`answers`).

- A path is cut into parts of whole lines. Each worker opens the file itself, and looks back for repeated ends.
- A plain log behind a URL is one task, however large: Spark's text source streams its lines, as bytes, in order. So
  one such log is read by one worker, and more logs are read by more of them.
- A packed log is one task, as it is one stream; behind a URL it comes whole (`binaryFile`), of 2 GB at most.

The table is kept by Spark while it is asked; if a worker dies, Spark reads its parts again, from the same bytes. A part
without its row is an error, so that less data is never an answer.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError
from ops_checks.files.contents import head_of
from ops_checks.files.safe_open import stat_regular
from ops_checks.runlog.copies import file_content
from ops_checks.runlog.engines import is_log_url
from ops_checks.runlog.engines.spark import worker
from ops_checks.runlog.engines.spark.answers import MOST_OPEN, Log, PartRow, merge_rows, with_open_runs
from ops_checks.runlog.engines.spark.durations import Asked, fetch, fetch_groups
from ops_checks.runlog.engines.spark.session import asking, session
from ops_checks.runlog.engines.spark.shipping import shipped
from ops_checks.runlog.engines.spark.urls import UrlLogs
from ops_checks.runlog.engines.spark.worker import Task
from ops_checks.runlog.line_reader import detect_compression, open_log
from ops_checks.runlog.log_file import LOG
from ops_checks.runlog.patterns import expand_logs, find_logs
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import ExitStack

    from ops_checks.runlog.engines import Wanted
    from ops_checks.runlog.engines.spark.answers import Merged
    from ops_checks.runlog.engines.spark.session import Session
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.patterns import Remark
    from ops_checks.runlog.stats import RunStats

#: A part of a file has so many bytes, fewer where that gives some workers none, and no fewer than the second number.
PART_BYTES = 128 << 20
LEAST_PART_BYTES = 8 << 20
_PARTS_EACH = 3
#: Names that begin so are left out by Spark, in silence.
_UNREAD = ("_", ".")
#: First bytes by which a worker knows a log.
_HEAD_BYTES = 256
_MARK = b"\xef\xbb\xbf"
#: What Spark hands over in one piece.
_MOST_PACKED_BYTES = (1 << 31) - 16
#: More shuffle partitions than this only cost.
_MOST_SHUFFLES = 2000


def read(wanted: Wanted, run_filter: RunFilter, target: str | None) -> RunStats:
    """Return the statistics of the logs that paths, patterns and URLs name; `target` is Spark's master.

    Raises InputError for what cannot be read, and where Spark cannot be had or fails.
    """
    for path in expand_logs(pattern for pattern in wanted.patterns if not is_log_url(pattern)):
        stat_regular(path, LOG)  # before Spark is started, which takes its time
    running = session(target)
    with asking(running):
        return _Reading(running, run_filter).read(wanted)


class _Reading:
    """One reading of logs."""

    def __init__(self, running: Session, run_filter: RunFilter) -> None:
        self._running = running
        self._spark = running.spark
        self._filter = run_filter
        self._urls = UrlLogs(self._spark)
        self._logs: list[Log] = []
        self._files: list[Task] = []
        self._streams: list[Task] = []
        self._contents: list[Task] = []

    def read(self, wanted: Wanted) -> RunStats:
        """Return the statistics of the logs. Raises InputError."""
        if self._running.table is not None:
            self._running.table.unpersist()  # of the reading before
        for path in find_logs(wanted.patterns, wanted.remark, expand=self._expand, content=self._content):
            if is_log_url(path):
                self._add_url(path)
            else:
                self._add_file(path)
        self._configure()
        table = self._running.table = self._table().persist()
        rows = table.where(f"kind IN ({worker.STATS}, {worker.FAILURE})").collect()
        merged = merge_rows(self._logs, (PartRow(*row) for row in rows), detailed=self._filter.details)
        stats = self._with_open_runs(merged, table) if merged.opened else merged.stats
        stats.durations = fetch(self._asked(table, worker.DURATIONS))
        names = {
            worker.group_name(at, key): each for at, found in enumerate(stats.groups) for key, each in found.items()
        }
        if names:
            fetch_groups(self._asked(table, worker.GROUPED), names)
        return stats

    def _asked(self, table: Any, kind: int) -> Asked:  # noqa: ANN401 - of Spark
        return Asked(table.where(f"kind = {kind}"), self._shipped, partial(asking, self._running))

    def _configure(self) -> None:
        """Let Spark take each log behind a URL as one task, and shuffle in no more parts than pay."""
        largest = max((log.size for log in self._logs), default=0) + 1
        for setting in ("maxPartitionBytes", "openCostInBytes"):
            self._spark.conf.set(f"spark.sql.files.{setting}", str(largest))
        parts = sum(log.parts for log in self._logs)
        shuffles = min(_MOST_SHUFFLES, max(self._running.parallelism, parts // 4))
        self._spark.conf.set("spark.sql.shuffle.partitions", str(shuffles))

    def _expand(self, patterns: Iterable[str], remark: Remark) -> list[str]:
        """Return the paths and URLs that patterns name, each once."""
        found: dict[str, None] = {}
        for pattern in patterns:
            named = self._urls.expand(pattern) if is_log_url(pattern) else expand_logs([pattern], remark)
            found.update(dict.fromkeys(named))
        return list(found)

    def _content(self, stack: ExitStack, path: str) -> Callable[[], bytes]:
        return self._urls.content(stack, path) if is_log_url(path) else file_content(stack, path)

    def _add_url(self, url: str) -> None:
        log = self._urls.found[url]
        packed = log.compression
        if log.url.rpartition("/")[2].startswith(_UNREAD):
            raise InputError(f"{visible(url)}: Spark reads no file whose name begins so: rename it, or name a path")
        if packed and log.size > _MOST_PACKED_BYTES:
            raise InputError(f"{visible(url)}: a packed log of more than 2 GB: unpack it, or name it by a path")
        if packed and not log.size:
            raise InputError(f"{url}: is empty, and so holds no {packed} data; name a whole compressed log")
        task = Task(len(self._logs), 0, url, log.uri, log.head[:_HEAD_BYTES], log.size, compression=packed)
        parts = 0 if log.head in (b"", _MARK) else 1  # of a byte order mark alone Spark makes no line
        self._logs.append(Log(url, log.size, log.modified_ms, log.head, parts))
        if parts:
            (self._contents if packed else self._streams).append(task)

    def _add_file(self, path: str) -> None:
        with open_log(path) as descriptor:
            state, head = os.fstat(descriptor), head_of(descriptor)
            packed = detect_compression(path, descriptor)
        size, file = state.st_size, len(self._logs)
        count = 1 if packed else self._parts(size)
        self._logs.append(Log(path, size, int(state.st_mtime * 1000), head, count))
        for part in range(count):
            start, stop = size * part // count, size * (part + 1) // count
            self._files.append(
                Task(file, part, path, os.path.abspath(path), head[:_HEAD_BYTES], size, start, stop, packed)
            )

    def _parts(self, size: int) -> int:
        step = min(PART_BYTES, max(LEAST_PART_BYTES, size // (_PARTS_EACH * self._running.parallelism)))
        return max(1, size // step)

    def _shipped(self, function: str, *arguments: Any) -> Callable[[Iterable[Any]], Iterable[Any]]:  # noqa: ANN401 - plain
        return shipped(function, self._running.archive, *arguments)

    def _table(self) -> Any:  # noqa: ANN401 - of Spark
        """Return the table of the rows of all parts."""
        plain = self._filter.plain()
        count = len(self._files)
        read = self._shipped("read_files", [tuple(task) for task in self._files], plain)
        table = self._spark.range(0, count, 1, max(1, count)).mapInArrow(read, worker.COLUMNS)
        if self._streams:
            table = table.unionAll(self._streamed(self._streams, plain))
        if self._contents:
            table = table.unionAll(self._whole(self._contents, plain))
        return table

    def _streamed(self, tasks: Sequence[Task], plain: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of Spark
        """Return the rows of plain logs behind URLs."""
        uris = [[uri, number] for number, task in enumerate(tasks) for uri in _spellings(task.path)]
        keyed = self._spark.createDataFrame(uris, "uri string, number int").selectExpr("xxhash64(uri)", "number")
        keys = {key: tuple(tasks[number]) for key, number in keyed.collect()}
        lines = self._spark.read.format("text").option("lineSep", "\n").load(_escaped(tasks))
        columns = lines.selectExpr("xxhash64(_metadata.file_path) AS file", "CAST(value AS BINARY) AS line")
        return columns.mapInArrow(self._shipped("read_streams", keys, plain), worker.COLUMNS)

    def _whole(self, tasks: Sequence[Task], plain: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of Spark
        """Return the rows of packed logs behind URLs."""
        uris = {uri: tuple(task) for task in tasks for uri in _spellings(task.path)}
        files = self._spark.read.format("binaryFile").load(_escaped(tasks))
        columns = files.selectExpr("_metadata.file_path AS file", "content")
        return columns.mapInArrow(self._shipped("read_contents", uris, plain), worker.COLUMNS)

    def _with_open_runs(self, merged: Merged, table: Any) -> RunStats:  # noqa: ANN401 - of Spark
        """Return the statistics with the starts without an end: the first of them, and how many more there are."""
        pairs = table.where(f"kind = {worker.PAIRS}").select("key", "file", "part", "n", "payload")
        by_key = pairs.repartition("key").sortWithinPartitions("key", "file", "part")
        opened = by_key.mapInArrow(self._shipped("pair_up"), worker.OPEN_COLUMNS)
        first = [tuple(row) for row in opened.orderBy("file", "part", "line").limit(MOST_OPEN + 1).collect()]
        total = opened.count() if len(first) > MOST_OPEN else len(first)
        return with_open_runs(merged, self._logs, first[:MOST_OPEN], total)


def _spellings(uri: str) -> set[str]:
    """Return how Spark and Hadoop may write a URI: one without a host has one slash or three."""
    scheme, _, rest = uri.partition(":")
    if rest.startswith("//") and not rest.startswith("///"):
        return {uri}
    path = rest.lstrip("/")
    return {f"{scheme}:/{path}", f"{scheme}:///{path}"}


def _escaped(tasks: Sequence[Task]) -> list[str]:
    """Return the URLs of logs for Spark, which takes some characters of a name for a pattern."""
    return ["".join(f"\\{char}" if char in "*?[]{}\\" else char for char in task.name) for task in tasks]
