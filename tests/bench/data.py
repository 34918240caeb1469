"""The benchmark's own inputs, the same for the same seed: a run log, and a queue as Markdown and as a database.

Only the times of the log are those of the last hours: the gate refuses a log that is old.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tests.postgres_server import Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

_STORES = Path(__file__).parents[2] / "ops_checks" / "stores"
_SCHEMA, _SERVER_SCHEMA = _STORES / "sqlite" / "schema.sql", _STORES / "postgres" / "schema.sql"
_COLUMNS = (
    "id",
    "status",
    "priority",
    "task",
    "success_criteria",
    "owner_session",
    "started_at_kst",
    "due_at_kst",
    "notes",
)
_DELIMITER = "| " + " | ".join("---" for _ in _COLUMNS) + " |\n"
_LAST_AGO_S = 3_600

Row = tuple[str, ...]


def write_log(path: Path, runs: int, seed: int) -> None:
    """Write a log of so many runs, two lines each. Some runs overlap; one writer in three writes compact JSON."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_log_lines(rng, runs))


def _log_lines(rng: random.Random, runs: int) -> Iterator[str]:
    held = ""  # the end of a run that the next one overlaps
    commands = rng.choices(("done", "fail", "pick", "add", "list"), (40, 6, 30, 14, 10), k=runs)
    ms = int(time.time() - _LAST_AGO_S - runs) * 1000  # a run a second, on average
    for command in commands:
        ms += rng.randrange(2000)
        duration = int(rng.lognormvariate(5.0, 1.1))
        failed = rng.random() < 0.03
        trace = f"trace-{rng.getrandbits(48):012x}"
        compact = trace[-1] in "05af"
        common = {"trace_id": trace, "command": command}
        start = {"event": "run_start", **common, "ts_epoch_ms": ms, "ts_kst": _kst(ms)}
        end = {
            "event": "run_end",
            **common,
            "ts_epoch_ms": ms + duration,
            "ts_kst": _kst(ms + duration),
            "exit_code": int(failed),
            "status": "error" if failed else "ok",
            "item_id": None if command == "list" else f"ORCH-{rng.randrange(100_000):05d}",
            "duration_ms": duration,
        }
        if failed:
            end["error"] = "lease lost; 임대가 만료됨"
        yield _line(start, compact=compact)
        if held:
            yield held
            held = ""
        elif rng.random() < 0.2:
            held = _line(end, compact=compact)
            continue
        yield _line(end, compact=compact)
    yield held


def _line(record: dict[str, object], *, compact: bool) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":") if compact else None) + "\n"


def _kst(ms: int) -> str:
    seconds, ms = divmod(ms % 86_400_000, 1000)
    return f"2026-01-01T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}+09:00"


def queue_rows(count: int, seed: int) -> Iterator[Row]:
    """Yield the items of a queue, about 220 bytes each as a row of Markdown; one task in a hundred has a pipe in it."""
    rng = random.Random(seed)
    for number in range(count):
        status = rng.choice(("PENDING", "BLOCKED", "FAILED", "DONE", "IN_PROGRESS"))
        working = status == "IN_PROGRESS"
        pipe = "a | b, " if number % 100 == 7 else ""
        yield (
            f"ORCH-{number:07d}",
            status,
            rng.choice(("P0", "P1", "P2")),
            f"작업 {number}: {pipe}build part {number}; 1) plan 2) do, see docs/path/{number}.md (한글 설명)",
            f"tests pass and the report says ok for part {number}",
            f"agent:main:subagent:{rng.getrandbits(32):08x}" if working else "-",
            f"2026-01-01 10:{number % 60:02d}" if working else "-",
            "2026-12-01 10:00",
            f"note {number}" if number % 3 else "",
        )


def write_markdown(path: Path, rows: Iterator[Row] | list[Row]) -> None:
    """Write a queue as a Markdown document."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("# Queue\n\n| " + " | ".join(_COLUMNS) + " |\n" + _DELIMITER)
        file.writelines(_row(cells) for cells in rows)
        file.write("\nText after.\n")


def _row(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def write_database(path: Path, rows: Iterator[Row] | list[Row]) -> None:
    """Write a queue as a database."""
    path.unlink(missing_ok=True)
    marks = ", ".join("?" * len(_COLUMNS))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {_SCHEMA.read_text(encoding='utf-8')}")
        connection.executemany(
            f"INSERT INTO queue_items ({', '.join(_COLUMNS)}, created_at, updated_at) "
            f"VALUES ({marks}, '2026-01-01 00:00', '2026-01-01 00:00')",
            rows,
        )
        connection.execute("COMMIT")


def drifted(rows: list[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """Return the rows for Markdown, in random order, and those for the database: one in a hundred has drifted."""
    rng = random.Random(seed)
    chosen = rng.sample(range(len(rows)), len(rows) // 100)
    third = len(chosen) // 3
    only_md, only_db, edited = set(chosen[:third]), set(chosen[third : 2 * third]), set(chosen[2 * third :])
    md = [row for number, row in enumerate(rows) if number not in only_db]
    db = [
        (*row[:4], row[4] + " and more", *row[5:]) if number in edited else row
        for number, row in enumerate(rows)
        if number not in only_md
    ]
    rng.shuffle(md)
    return md, db


def failed_queue(path: Path, count: int) -> None:
    """Write a database of so many items that may be retried, once each."""
    write_database(path, failed_rows(count))


def failed_rows(count: int) -> Iterator[Row]:
    """Yield so many items that may be retried, once each."""
    return ((f"ORCH-{number}", "FAILED", "P1", "task", "done", "-", "-", "-", "") for number in range(count))


class ServerQueue:
    """A queue on a PostgreSQL server that is started for it, and gone with `opened`; what it keeps is on disk.

    `location` names it. Raises MissingServerError where no server can be started.
    """

    def __init__(self, opened: ExitStack) -> None:
        servers = opened.enter_context(Servers())
        server = opened.enter_context(servers.server(fsync="on", synchronous_commit="on", shared_buffers="128MB"))
        self._database = opened.enter_context(server.database())
        self.location = self._database.location()

    def write(self, rows: Iterator[Row]) -> None:
        """Make the queue anew, of these items."""
        with self._database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS queue_items, queue_events CASCADE")
            cursor.execute(_SERVER_SCHEMA.read_bytes())
            names = f"{', '.join(_COLUMNS)}, created_at, updated_at"
            with cursor.copy(f"COPY queue_items ({names}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row((*row, "2026-01-01 00:00", "2026-01-01 00:00"))
            cursor.execute("VACUUM ANALYZE queue_items")

    def retries(self) -> int:
        """Return what `retries` does."""
        return counted(self._database.execute)


def retries(path: Path) -> int:
    """Return how many retries a database has seen, or -1 unless each has its attempt, its event and its note."""
    with closing(sqlite3.connect(path)) as connection:
        return counted(lambda query: connection.execute(query).fetchall())


def counted(rows_of: Callable[[str], list[tuple[int, ...]]]) -> int:
    """Return how many retries the database of a query has seen, or -1 as `retries`."""
    noted = "sum(CASE WHEN notes LIKE 'retry_not_before=%' THEN 1 ELSE 0 END)"
    ((attempts, notes),) = rows_of(f"SELECT sum(attempt_count), {noted} FROM queue_items")
    ((events,),) = rows_of("SELECT count(*) FROM queue_events WHERE event_type = 'retried'")
    return int(events) if attempts == notes == events else -1
