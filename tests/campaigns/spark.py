"""Spark: the run log read on it gives the local reader's answers, number by number, whatever the logs hold.

Size N is the number of lots of random logs. Up to 10 they are read by two threads (`local[2]`); above by a real
standalone master and two workers on this machine, and then a worker is killed in the middle of a larger log.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from msgspec import to_builtins

from ops_checks.errors import InputError
from ops_checks.formats.json import FORMAT
from ops_checks.gate.run import run_gate
from ops_checks.policy.model import KpiPolicy, Policy
from ops_checks.presentation.format import RenderOptions
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold
from ops_checks.runlog.engines import Wanted, read_log
from ops_checks.runlog.engines.spark import durations, engine
from ops_checks.runlog.engines.spark import session as spark_session
from ops_checks.runlog.engines.spark.session import session, stop
from ops_checks.runlog.filter import RunFilter, valid_times
from ops_checks.runlog.grouping import Grouping
from ops_checks.settings import resolve
from tests.campaigns.common import Tally
from tests.campaigns.operation import NOW_S, Operation
from tests.campaigns.spark_cluster import Cluster, killed_after_a_task
from tests.campaigns.spark_logs import lines_of, write_lot
from tests.campaigns.spark_webhdfs import WebHdfs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops_checks.runlog.grouping import GroupStats, Key
    from ops_checks.runlog.stats import RunStats
    from tests.campaigns.common import Outcome

SMALL = 2
LONG = 200

_LOCAL = "spark=local[2]"
_MOST_LOCAL = 10
_LINES = 250
#: Lines of the log in whose middle a worker is killed, and of its bytes a part.
_LONG_LINES = 400_000
_LONG_PART_BYTES = 2 << 20
_OPTIONS = RenderOptions()
#: What runs are grouped by in the same reading.
_GROUPINGS = (
    *(Grouping(by) for by in ("command", "item", "error")),
    Grouping("item", names={"ORCH-001": "s1"}),
    Grouping("day", zone=540),
    Grouping("hour", zone="Europe/Berlin", window=((NOW_S - 5400) * 1000, NOW_S * 1000)),
)
#: A short run is over before Java's second compiler pays.
_SHORT_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def run(size: int, report: Callable[[str], None], seed: int = 20_260_101) -> Outcome:
    """Read lots of logs in both ways; the figures count lots, logs and lines."""
    tally = Tally()
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ops-checks-spark-") as name, ExitStack() as stack:
        stack.callback(stop)
        folder = Path(name)
        cluster = stack.enter_context(Cluster(folder / "cluster")) if size > _MOST_LOCAL else None
        servers = ("file://", stack.enter_context(WebHdfs(folder)).url)
        word = f"spark={cluster.url}" if cluster else _LOCAL
        java = {} if cluster else {"JDK_JAVA_OPTIONS": _SHORT_JAVA}
        stack.enter_context(mock.patch.dict(os.environ, {"PYSPARK_PYTHON": sys.executable, **java}))
        report(f"engine {word}")
        _command(tally, folder / "command", word, rng)
        for number in range(size):
            _lot(tally, folder / f"lot-{number}", word, servers[number % len(servers)], rng)
            if number % 10 == 0:
                report(f"{number} lots, {len(tally.failures)} failures")
        _many_durations(tally, folder, word, rng)
        if cluster:
            report("killing a worker in the middle")
            _killed(tally, folder, cluster, rng)
    return tally.outcome({"lots": max(1, size), "logs": 1})


def _command(tally: Tally, folder: Path, word: str, rng: random.Random) -> None:
    """Compare what the command prints with both engines: Spark says nothing of its own, and leaves nothing behind."""
    temporary = folder.with_name("temporary")
    folder.mkdir()
    temporary.mkdir()
    Operation(edit_log=lambda data: data + b"".join(line + b"\n" for line in lines_of(rng, 40))).lay_down(folder)
    before = sorted(path.name for path in folder.iterdir())
    command = [sys.executable, "-m", "ops_checks", "kpi", "--log-path", "runs.jsonl", "--db", "queue.db", "-f", "json"]
    environ = {**os.environ, "TMPDIR": str(temporary)}
    told = []
    for engine_word in ("local", word):
        ended = subprocess.run(
            [*command, "--engine", engine_word], cwd=folder, env=environ, capture_output=True, check=False
        )
        document = json.loads(ended.stdout)
        metrics = [metric for metric in document["metrics"] if "minutes" not in metric["name"]]  # time goes on
        told.append((ended.returncode, ended.stderr, [document["inputs"], document["errors"], metrics]))
    tally.check(f"the command tells of Spark: {told[1][1]!r}", holds=told[0][:2] == told[1][:2])
    tally.check("the command's documents differ", holds=told[0][2] == told[1][2])
    left = sorted(path.name for path in folder.iterdir()), list(temporary.iterdir())
    tally.check(f"Spark left something behind: {left}", holds=left == (before, []))


def everything(stats: RunStats) -> str:
    """Return all that is known of runs, as text."""
    values = stats.durations
    known: dict[str, Any] = {
        name: to_builtins(getattr(stats, name)) for name in ("slowest", "failures", "defects", "logs")
    }
    counts = ("lines", "runs", "done", "failed", "malformed", "undated", "unpaired", "detailed")
    known |= {name: getattr(stats, name) for name in counts}
    known |= {"unfinished": to_builtins(stats.unfinished()), "unfinished_count": stats.unfinished_count()}
    ranks = range(1, len(values) + 1, max(1, len(values) // 12))
    known["durations"] = (len(values), values.mean(), values.max(), [values.ranked(rank) for rank in ranks])
    known["moments"] = [f"{each:.12g}" for each in values.moments() or ()]
    known["above"] = [values.above(limit) for limit in (-1, 0, 7, 1500.5)]
    known["groups"] = [sorted(map(_group, found.items()), key=repr) for found in stats.groups]
    return repr(known)


def _group(named: tuple[Key, GroupStats]) -> tuple[Any, ...]:
    """Return all that is known of a group of runs."""
    key, group = named
    values = group.durations
    shown = [values.percentile(percent) for percent in (50, 95, 99, 7)]
    return key, group.runs, group.done, group.failed, group.errors, group.example, len(values), values.mean(), shown


def _lot(tally: Tally, folder: Path, word: str, server: str, rng: random.Random) -> None:
    """Compare both engines on some logs: by path and by URL, as statistics and as a report."""
    folder.mkdir()
    made = write_lot(folder, rng, _LINES)
    paths = [str(log.path) for log in made]
    if rng.random() < 0.3:
        paths = [str(folder / "*.jsonl*")]
    run_filter = RunFilter(
        since_ms=rng.choice((None, (NOW_S - 5400) * 1000)),
        commands=rng.choice((None, frozenset({"done", "한글"}))),
        details=rng.random() < 0.8,
        valid_ms=valid_times(NOW_S),
        groupings=tuple(rng.sample(_GROUPINGS, 2)),
    )
    by_url = [server + path for path in paths]
    local = _read("local", paths, run_filter)
    with mock.patch.object(engine, "LEAST_PART_BYTES", 1):
        tally.check(f"{folder.name}: paths: the answers differ", holds=_read(word, paths, run_filter) == local)
        on_urls = _read(word, by_url, run_filter).replace(server, "")
        tally.check(f"{folder.name}: URLs: the answers differ", holds=on_urls == local)
    with mock.patch.object(engine, "LEAST_PART_BYTES", 1 << 10):
        same = _document(folder, paths, word) == _document(folder, paths, "local")
    tally.check(f"{folder.name}: the reports differ", holds=same)
    tally.count("lots")
    tally.count("logs", len(made))
    tally.count("lines", sum(log.data.count(b"\n") for log in made))


def _read(word: str, patterns: Sequence[str], run_filter: RunFilter) -> str:
    """Return all that an engine says of logs, its remarks and its error too."""
    remarks: list[str] = []
    try:
        return f"{everything(read_log(word, Wanted(patterns, remarks.append), run_filter))} {remarks}"
    except InputError as error:
        return f"{error.message} {remarks}"


def _document(folder: Path, patterns: Sequence[str], word: str) -> str:
    """Return the report of a gate that limits every metric to nothing, so that it lists all that it can."""
    if not (folder / "QUEUE.md").exists():
        Operation().lay_down(folder)
        (folder / "runs.jsonl").unlink()
    limits = {metric: Threshold(max=0) for metric in BY_METRIC}
    policy = Policy(kpi=KpiPolicy(thresholds=limits, window_s=5400, on_insufficient="pass", engine=word))
    queue, db = str(folder / "QUEUE.md"), str(folder / "queue.db")
    context = resolve({}, policy, queue=queue, db=db, logs=tuple(patterns), now_s=NOW_S)
    return FORMAT.render(run_gate(context, only=["kpi"]), _OPTIONS)


def _many_durations(tally: Tally, folder: Path, word: str, rng: random.Random) -> None:
    """Compare durations that stay in Spark with those that are fetched."""
    path = folder / "durations.jsonl"
    lines = lines_of(rng, 3_000)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    run_filter = RunFilter(valid_ms=valid_times(NOW_S), groupings=(Grouping("command"),))
    local = _read("local", [str(path)], run_filter)
    with mock.patch.object(durations, "MOST_DISTINCT", 10):
        tally.check("durations that stay in Spark differ", holds=_read(word, [str(path)], run_filter) == local)


def _killed(tally: Tally, folder: Path, cluster: Cluster, rng: random.Random) -> None:
    """Kill a worker while a log is read: the answer is the same, or there is none."""
    path = folder / "long.jsonl"
    some = lines_of(rng, _LONG_LINES // 20)
    path.write_bytes(b"".join(line + b"\n" for line in some) * 20)
    run_filter = RunFilter(valid_ms=valid_times(NOW_S))
    local = _read("local", [str(path)], run_filter)
    context = session(cluster.url).spark.sparkContext
    with mock.patch.object(engine, "PART_BYTES", _LONG_PART_BYTES), killed_after_a_task(cluster, context) as killed:
        found = _read(f"spark={cluster.url}", [str(path)], run_filter)
    tally.check("a worker was to be killed while a log was read, and was not", holds=bool(killed))
    same, refused = found == local, found.startswith("engine spark: ")
    tally.check(f"with a worker killed the answers differ: {found[:300]}", holds=same or refused)
    tally.count("killed")
    tally.count("same_after_kill", int(same))
    with (
        mock.patch.object(engine, "PART_BYTES", _LONG_PART_BYTES),
        mock.patch.object(spark_session, "NO_WORKER_S", 5.0),
        killed_after_a_task(cluster, context) as killed,
    ):
        found = _read(f"spark={cluster.url}", [str(path)], run_filter)
    tally.check("the last worker was to be killed, and was not", holds=bool(killed))
    tally.check(f"without a worker: {found[:300]}", holds=found.startswith("engine spark: its last worker went away"))
