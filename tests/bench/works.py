"""The works that are measured, each with what a user would pick instead, and its bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.scaffold.content import template
from tests.bench import data
from tests.bench.bounds import Work, added, cpu_times, memory, memory_times, speed, times
from tests.bench.measure import Contender

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

_PEERS = Path(__file__).parent / "peers"
_SEED = 20260101
_START, _SQLITE = "python -c pass", 'python -c "import sqlite3"'
_PYTHON = "ops-checks without its scanner"


@dataclass(frozen=True)
class Sizes:
    """How much data each work gets: runs are two lines of the log; `small` rows and runs for the quick commands."""

    runs: int = 1_000_000
    rows: int = 1_000_000
    table: int = 100_000
    retries: int = 1_600
    server_retries: int = 9_600
    small: int = 1_000
    rounds: int = 5
    quick_rounds: int = 31


QUICK = Sizes(runs=3_000, rows=3_000, table=1_000, retries=80, server_retries=80, small=100, rounds=1, quick_rounds=1)


@dataclass(frozen=True)
class Place:
    """Where a work finds its things: a folder for its data, the program's environment, and the peers'.

    What is opened for a work, such as a server, is closed with `opened`.
    """

    folder: Path
    program: Path
    peers: Path
    sizes: Sizes
    opened: ExitStack

    def ours(self, name: str, *arguments: object, **more: object) -> Contender:
        """Return the program itself, as its console script."""
        command = (str(self.program / "bin" / "ops-checks"), *map(str, arguments))
        return replace(Contender(name, command), **more)

    def peer(self, name: str, script: str, *arguments: object, **more: object) -> Contender:
        """Return a script of the peers."""
        command = (str(self.peers / "bin" / "python"), str(_PEERS / script), *map(str, arguments))
        return replace(Contender(name, command), **more)

    def start(self, name: str = _START, code: str = "pass") -> Contender:
        """Return the start of the interpreter that the program runs on, which need not be for nothing."""
        return Contender(name, (str(self.program / "bin" / "python"), "-c", code), answer=_nothing)


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f} MB"


def _first_words(out: str) -> str:
    """Return what all peers compute too: the rates and latencies of `kpi`."""
    return out.partition(" retry_count")[0].strip()


def kpi(place: Place) -> Work:
    """Measure every metric of the specification over a large log."""
    log, db = _large_log(place, place.sizes.runs)
    ours = place.ours("ops-checks", "kpi", "--log-path", log, "--db-path", db, answer=_first_words)
    python = replace(ours, name=_PYTHON, command=("/usr/bin/env", "OPS_CHECKS_SCANNER=off", *ours.command))
    return Work(
        "kpi",
        f"{2 * place.sizes.runs:,} lines, {_megabytes(log)}",
        (
            ours,
            place.peer("DuckDB", "kpi_duckdb.py", log),
            place.peer("polars", "kpi_polars.py", log),
            python,
            place.peer("json.loads", "kpi_loop.py", log, once=True),
        ),
        (
            times("ops-checks", 0.5, "DuckDB"),
            times(_PYTHON, 1.5, "polars"),
            memory("ops-checks", 48),
            memory(_PYTHON, 48),
        ),
        memory=True,
    )


def large_kpi(place: Place) -> Work:
    """Measure the same over a log five times as large."""
    log, db = _large_log(place, 5 * place.sizes.runs)
    return Work(
        "kpi-large",
        f"{10 * place.sizes.runs:,} lines, {_megabytes(log)}",
        (
            place.ours("ops-checks", "kpi", "--log-path", log, "--db-path", db, answer=_first_words),
            place.peer("DuckDB", "kpi_duckdb.py", log),
        ),
        (times("ops-checks", 0.5, "DuckDB"), memory("ops-checks", 48)),
        memory=True,
    )


def grouped_kpi(place: Place) -> Work:
    """Measure every metric over a large log, and the same by group beside it."""
    log, db = _large_log(place, place.sizes.runs)
    plain = place.ours("kpi", "kpi", "--log-path", log, "--db-path", db, answer=_first_words)
    ways = ("day", "hour", "command", "owner", "error", "item")
    by = [replace(plain, name=f"--by {way}", command=(*plain.command, "--by", way)) for way in ways]
    return Work(
        "kpi-by",
        f"{2 * place.sizes.runs:,} lines, {_megabytes(log)}",
        (plain, *by),
        (
            times("--by day", 1.4, "kpi"),
            cpu_times("--by day", 1.4, "kpi"),
            *(cpu_times(f"--by {way}", 1.7, "kpi") for way in ("hour", "command")),
            memory("--by day", 48),
            memory("--by item", 192),
        ),
        memory=True,
    )


def offenders(place: Place) -> Work:
    """Hold the KPIs of a large log to limits, and name the runs that offend; the peer has the totals alone."""
    log, db = _large_log(place, place.sizes.runs)
    check = ("check", "--only", "kpi", "--log-path", log, "--db-path", db)
    return Work(
        "offenders",
        f"{2 * place.sizes.runs:,} lines, {_megabytes(log)}",
        (
            place.ours("ops-checks", *check, answer=_no_words, exits=(0, 1, 2)),
            place.peer("DuckDB", "kpi_duckdb.py", log, answer=_no_words),
        ),
        (times("ops-checks", 0.8, "DuckDB"), memory("ops-checks", 48)),
        memory=True,
    )


def _large_log(place: Place, runs: int) -> tuple[Path, Path]:
    """Return a log of so many runs, and a database."""
    log, db = place.folder / "runs.jsonl", place.folder / "queue.db"
    data.write_log(log, runs, _SEED)
    data.write_database(db, data.queue_rows(place.sizes.small, _SEED))
    return log, db


def _no_words(_out: str) -> str:
    """Return no answer: the peer has none like it."""
    return ""


def _drift_words(out: str) -> str:
    """Return the answer of `consistency-check` in the words of the peers."""
    first = out.splitlines()[0]
    if first.startswith("consistency ok "):
        return f"{first.removeprefix('consistency ok ')} missing_in_db=0 missing_in_md=0 field_mismatch=0"
    return first.removeprefix("consistency mismatch ")


def _without_total(out: str) -> str:
    return out.partition(" ")[2].strip()


def agreeing(place: Place) -> Work:
    """Compare two large queues in the same order without drift."""
    md, db, rows = place.folder / "QUEUE.md", place.folder / "queue.db", place.sizes.rows
    data.write_markdown(md, data.queue_rows(rows, _SEED))
    data.write_database(db, data.queue_rows(rows, _SEED))
    check = ("consistency-check", "--queue-path", md, "--db-path", db)
    return Work(
        "consistency",
        f"{rows:,} rows, {_megabytes(md)}, same order, no drift",
        (
            place.ours("ops-checks", *check, answer=_drift_words),
            place.peer("polars", "drift_polars.py", md, db),
            place.peer("plain loop", "drift_loop.py", md, db),
        ),
        (cpu_times("ops-checks", 0.5, "polars"), times("ops-checks", 0.8, "plain loop"), memory("ops-checks", 48)),
        memory=True,
    )


def drifting(place: Place) -> Work:
    """Compare the same queues, Markdown in random order, one row in a hundred drifted."""
    md, db, rows = place.folder / "QUEUE.md", place.folder / "queue.db", place.sizes.rows
    in_md, in_db = data.drifted(list(data.queue_rows(rows, _SEED)), _SEED)
    data.write_markdown(md, in_md)
    data.write_database(db, in_db)
    check = ("consistency-check", "--queue-path", md, "--db-path", db)
    return Work(
        "drift",
        f"{rows:,} rows, {_megabytes(md)}, random order, 1 % drift",
        (
            place.ours("ops-checks", *check, answer=_drift_words, exits=(1,)),
            place.peer("polars", "drift_polars.py", md, db, answer=_without_total),
        ),
        (times("ops-checks", 0.9, "polars"), memory_times("ops-checks", 0.2, "polars")),
        memory=True,
    )


def _number_of_lines(out: str) -> str:
    """Return what both backends offer, each in an order of its own."""
    return str(len(out.splitlines()))


def quick(
    place: Place,
    name: str,
    after: tuple[str, ...] = (),
    *,
    before: tuple[str, ...] = (),
    most: float = 1.5,
    most_sqlite: float = 1.45,
    rows: int | None = None,
    answer: Callable[[str], str] = str.strip,
) -> Work:
    """Run a command that an operator types all day, or a shell for them, on both backends; at most so many starts.

    On SQLite they are starts that import its module. `rows` is how many there are, by default those of the size.
    """
    work = f"{name}-{rows}" if rows else name
    md, db, rows = place.folder / "QUEUE.md", place.folder / "queue.db", rows or place.sizes.small
    data.write_markdown(md, data.queue_rows(rows, _SEED))
    data.write_database(db, data.queue_rows(rows, _SEED))
    words = before or (name,)
    return Work(
        work,
        f"{rows:,} rows",
        (
            place.ours("Markdown", *words, "--queue", md, *after, answer=answer),
            place.ours("SQLite", *words, "--db", db, *after, answer=answer),
            place.start(),
            place.start(_SQLITE, "import sqlite3"),
        ),
        (times("Markdown", most, _START), times("SQLite", most_sqlite, _SQLITE)),
        rounds=place.sizes.quick_rounds,
    )


def cancel(place: Place) -> Work:
    """Change one row in a large Markdown queue."""
    md, copy = place.folder / "QUEUE.md", place.folder / "copy.md"
    rows = [row for row in data.queue_rows(2 * place.sizes.table, _SEED) if row[1] not in {"DONE", "FAILED"}]
    rows = rows[: place.sizes.table]
    data.write_markdown(md, rows)
    middle = rows[len(rows) // 2][0]
    copying = Contender("cp + fsync", ("/bin/sh", "-c", f"cp {md} {copy} && sync {copy}"))
    return Work(
        "cancel",
        f"one of {len(rows):,} rows, {_megabytes(md)}",
        (
            place.ours("ops-checks", "cancel", "--id", middle, "--queue", md),
            replace(copying, before=partial(copy.unlink, missing_ok=True)),
            place.start(),
        ),
        (times("ops-checks", 7, "cp + fsync"),),
        rounds=3 * place.sizes.rounds,
    )


def cancel_beside(place: Place) -> Work:
    """Change one row of a usual Markdown queue beside its database, which is looked at for a note."""
    project = _project(place, "project", place.sizes.small, 2)
    md = project / DEFAULT_QUEUE
    rows = [row for row in data.queue_rows(place.sizes.small, _SEED) if row[1] not in {"DONE", "FAILED"}]
    content = md.read_bytes()
    command = place.ours("ops-checks", "cancel", "--id", rows[len(rows) // 2][0], folder=project)
    return Work(
        "cancel-beside",
        f"one of {place.sizes.small:,} rows, both queues there",
        (replace(command, before=lambda: md.write_bytes(content)), place.start()),
        (cpu_times("ops-checks", 3.5, _START),),
        rounds=place.sizes.quick_rounds,
    )


def retry(place: Place) -> Work:
    """Let eight processes retry items of one database at once."""
    count = place.sizes.retries // 8 * 8

    def one(name: str, way: str, python: Path) -> Contender:
        db = place.folder / f"{way}.db"
        command = (str(python / "bin" / "python"), str(_PEERS / "retry.py"), way, str(db), str(count))
        return Contender(
            name, command, before=partial(data.failed_queue, db, count), answer=lambda _: f"{data.retries(db)} retries"
        )

    return Work(
        "retry",
        f"{count:,} items, 8 processes at once",
        (one("ops-checks", "ours", place.program), one("bare sqlite3", "plain", place.program)),
        (speed("ops-checks", 0.8, "bare sqlite3"),),
    )


def stream_server(place: Place) -> Work:
    """Read all items of a queue on a server."""
    queue = data.ServerQueue(place.opened)
    queue.write(data.queue_rows(place.sizes.rows, _SEED))

    def one(name: str, way: str, python: Path) -> Contender:
        command = (str(python / "bin" / "python"), str(_PEERS / "stream_postgres.py"), way, queue.location)
        return Contender(name, command)

    return Work(
        "stream-postgres",
        f"{place.sizes.rows:,} rows on a server of this machine",
        (one("ops-checks", "ours", place.program), one("COPY, read by psycopg", "copy", place.peers)),
        (times("ops-checks", 1.5, "COPY, read by psycopg"), memory("ops-checks", 64)),
        memory=True,
    )


def retry_server(place: Place) -> Work:
    """Let sixteen processes retry items of one queue on a server at once."""
    count = place.sizes.server_retries // 16 * 16
    queue = data.ServerQueue(place.opened)

    def one(name: str, way: str, python: Path) -> Contender:
        script = str(_PEERS / "retry_postgres.py")
        command = (str(python / "bin" / "python"), script, way, queue.location, str(count))
        return Contender(
            name,
            command,
            before=lambda: queue.write(data.failed_rows(count)),
            answer=lambda _: f"{queue.retries()} retries",
        )

    return Work(
        "retry-postgres",
        f"{count:,} items on a server of this machine, 16 processes at once",
        (one("ops-checks", "ours", place.program), one("bare psycopg", "plain", place.program)),
        (speed("ops-checks", 0.7, "bare psycopg"),),
    )


def check(place: Place) -> Work:
    """Run the whole gate on a small project, with a JSON report."""
    md, db, log = _small_project(place)
    policy = place.folder / "ops-checks.yaml"
    policy.write_text(_POLICY.format(stale=place.sizes.small), encoding="utf-8")
    imports = (str(place.program / "bin" / "python"), "-c", "import ruamel.yaml, jsonschema")
    return Work(
        "check",
        f"{place.sizes.small:,} rows and runs, a policy, JSON report",
        (
            place.ours(
                "ops-checks", "check", "-f", "json", "--queue-path", md, "--db-path", db, "--log-path", log,
                "--policy", policy, answer=_nothing,
            ),
            Contender("import ruamel.yaml, jsonschema", imports),
            place.start(),
        ),
        (times("ops-checks", 2, "import ruamel.yaml, jsonschema"),),
        rounds=place.sizes.quick_rounds,
    )  # fmt: skip


#: The commands that read a policy, or look whether they have to, with the exit codes that their data lead to.
_BESIDE_POLICY = {"consistency-check": (0,), "kpi": (0,), "check": (2,), "status": (0,)}


def policy(place: Place) -> Work:
    """Run commands with and without the policy that `init` lays down beside them."""
    without, beside = (_project(place, name, _FEW_ROWS, _FEW_LINES) for name in ("without", "with"))
    (beside / DEFAULT_POLICY).write_bytes(template(DEFAULT_POLICY))
    contenders = [
        place.ours(f"{command}, {folder.name}", command, folder=folder, exits=exits, answer=_nothing)
        for command, exits in _BESIDE_POLICY.items()
        for folder in (beside, without)
    ]
    return Work(
        "policy",
        f"{_FEW_ROWS} rows, {_FEW_LINES} lines, the policy of init",
        tuple(contenders),
        tuple(cpu_times(f"{command}, with", 1.25, f"{command}, without") for command in _BESIDE_POLICY),
        rounds=place.sizes.quick_rounds,
    )


def session(place: Place) -> Work:
    """Run a test session of one test: without the package, with it, and with its checks on beside a policy."""
    project = _project(place, "project", _FEW_ROWS, _FEW_LINES)
    limits = template(DEFAULT_POLICY).replace(b"failure_rate: 0.2", b"failure_rate: 0.9")
    (project / DEFAULT_POLICY).write_bytes(limits.replace(b"stale_in_progress: 0", b"stale_in_progress: 1000"))
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (project / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    installed, bare = (str(environment / "bin" / "pytest") for environment in (place.program, place.peers))
    plain = ("-q", "-p", "no:cacheprovider", "test_one.py")
    one = partial(Contender, answer=_nothing, folder=project)
    return Work(
        "pytest",
        f"one test; the checks on {_FEW_ROWS} rows and {_FEW_LINES} lines, with a policy, no drift",
        (
            one("installed, off", (installed, *plain)),
            one("on", (installed, *plain, "--queue-check")),
            one("bare", (bare, *plain)),
        ),
        (added("installed, off", 5, "bare", share=0.02), times("on", 1.4, "installed, off")),
        rounds=place.sizes.quick_rounds,
    )


_FEW_ROWS, _FEW_LINES = 30, 300
_POLICY = """kpi:
  thresholds:
    failure_rate: {{max: 0.2, warn_max: 0.15}}
    latency_p95_ms: 2000
    stale_in_progress: {stale}
    malformed_lines: 0
"""


def _nothing(_out: str) -> str:
    """Return no answer: there is none that two contenders could share."""
    return ""


def _small_project(place: Place) -> tuple[Path, Path, Path]:
    md, db, log = (place.folder / name for name in ("QUEUE.md", "queue.db", "runs.jsonl"))
    data.write_markdown(md, data.queue_rows(place.sizes.small, _SEED))
    data.write_database(db, data.queue_rows(place.sizes.small, _SEED))
    data.write_log(log, place.sizes.small, _SEED)
    return md, db, log


def _project(place: Place, name: str, rows: int, lines: int) -> Path:
    """Make both queues and a run log at their default paths in a folder of their own, and return it."""
    project = place.folder / name
    md, db, log = (project / path for path in (DEFAULT_QUEUE, DEFAULT_DB, DEFAULT_LOG))
    for path in (md, db, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    data.write_markdown(md, data.queue_rows(rows, _SEED))
    data.write_database(db, data.queue_rows(rows, _SEED))
    data.write_log(log, lines // 2, _SEED)
    return project


WORKS: dict[str, Callable[[Place], Work]] = {
    "kpi": kpi,
    "kpi-large": large_kpi,
    "kpi-by": grouped_kpi,
    "offenders": offenders,
    "consistency": agreeing,
    "drift": drifting,
    "status": partial(quick, name="status", most=1.9),
    "status-30": partial(quick, name="status", most=1.6, rows=30),
    "workers": partial(quick, name="workers"),
    "completion": partial(
        quick,
        name="completion",
        before=("__complete", "zsh"),
        after=("cancel", "--id", ""),
        most=2.5,
        most_sqlite=2.5,
        answer=_number_of_lines,
    ),
    "cancel": cancel,
    "cancel-beside": cancel_beside,
    "retry": retry,
    "stream-postgres": stream_server,
    "retry-postgres": retry_server,
    "check": check,
    "policy": policy,
    "pytest": session,
}


def machine(folder: Path) -> str:
    """Return what the measuring happened on."""
    system = os.uname()
    return f"{system.sysname} {system.machine}, {os.cpu_count()} processors, data in {folder}"
