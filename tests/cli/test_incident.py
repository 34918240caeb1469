"""An operator's nine steps in an incident, on every store: `ops-checks help incident`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import execute, item, make_database, make_markdown, select
from conftest import NOW_S

from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

QUEUE, DB = "automation/orchestrator/QUEUE.md", "automation/orchestrator/db/queue.db"
WORKING = {"owner_session": "w1", "started_at_kst": "2026-01-01 09:00"}
ITEMS = [
    *(item(f"A-{number}", "IN_PROGRESS", **WORKING) for number in range(1, 6)),
    item("B-1", "FAILED", owner_session="w2", started_at_kst=queue_time(NOW_S - 600, 540)),
    item("B-2", "FAILED", owner_session="w2", started_at_kst="2025-12-01 10:00"),
    item("C-1", "DONE"),
]
HELD = {"lease_owner": "w1", "lease_expires_at": NOW_S + 600}
FAILED = {"attempt_count": 1, "last_error": "OSError: disk full"}


class Kind(NamedTuple):
    """What a queue is kept in: which sides are there, and the options that work on them."""

    sides: str
    look: tuple[str, ...]
    change: tuple[str, ...]


DOCUMENT = Kind("md", (), ())
DATABASE = Kind("db", ("--db", DB), ("--db", DB))
BOTH = Kind("md db", ("--db", DB), ("--both",))


@pytest.fixture
def lay_down(folder: Path) -> Callable[[Kind], None]:
    """Return what lays down the sides of a kind of queue."""

    def write(kind: Kind) -> None:
        (folder / DB).parent.mkdir(parents=True)
        if "md" in kind.sides:
            make_markdown(folder / QUEUE, ITEMS)
        if "db" in kind.sides:
            held = {f"A-{number}": HELD for number in range(1, 6)}
            make_database(folder / DB, ITEMS, {**held, "B-1": FAILED, "B-2": FAILED})
            execute(folder / DB, "UPDATE queue_items SET updated_at = started_at_kst WHERE started_at_kst <> '-'")

    return write


def statuses(kind: Kind, folder: Path) -> list[dict[str, str]]:
    """Return the statuses by id of each side that is there, read without the program."""
    found = []
    if "md" in kind.sides:
        rows = [
            line.split("|") for line in (folder / QUEUE).read_text().splitlines() if line[2:4] in ("A-", "B-", "C-")
        ]
        found.append({cells[1].strip(): cells[2].strip() for cells in rows})
    if "db" in kind.sides:
        found.append(dict(select(folder / DB, "SELECT id, status FROM queue_items")))
    return found


@pytest.mark.parametrize(
    ("kind", "database_kind"),
    [(DOCUMENT, "sqlite"), (DATABASE, "sqlite"), (BOTH, "sqlite"), (DATABASE, "postgres"), (BOTH, "postgres")],
    ids=["document", "database", "both", "database on a server", "both with one on a server"],
    indirect=["database_kind"],
)
def test_nine_steps(folder: Path, run: Run, lay_down: Callable[[Kind], None], kind: Kind) -> None:
    """Every step is one command, with the same answer on every store, but for what a document does not know."""
    lay_down(kind)
    has_events = "db" in kind.sides
    # 1. what is going on
    told = run("status", *kind.look)
    assert (told.code, told.out.splitlines()[0]) == (0, "summary PENDING=0 IN_PROGRESS=5 BLOCKED=0 FAILED=2 DONE=1")
    # 2. who holds what
    assert "- w1 tasks=5" in run("workers", *kind.look).out
    # 3. what happened to this item
    shown = json.loads(run("show", "A-1", "-f", "json", *kind.look).out)
    assert shown["items"][0]["id"] == "A-1"
    # 4. why did it fail: a document has no word for it
    told = run("list", "--status", "FAILED", "--search", "disk full", "-f", "ids", *kind.look)
    assert told.out == ("B-1\nB-2\n" if has_events else "")
    # 5. cancel five items of one worker
    told = run("cancel", "--owner", "w1", "--status", "IN_PROGRESS", *kind.change)
    assert (told.code, told.out) == (4, "")
    told = run("cancel", "--owner", "w1", "--status", "IN_PROGRESS", "--yes", *kind.change)
    assert (told.code, told.out) == (0, "".join(f"A-{number} -> BLOCKED\n" for number in range(1, 6)))
    # 6. replan
    assert run("replan", "--id", "A-1", "--notes", "split", *kind.change).out == "A-1 -> PENDING\n"
    # 7. retry all that failed since an hour of the night (it is midnight now)
    assert run("retry", "--status", "FAILED", "--since", "23:00", "--yes", *kind.change).out == "B-1 -> PENDING\n"
    # 8. watch it recover
    assert run("wait", "--id", "B-1", "--for", "PENDING", "--timeout", "0s", *kind.look).code == 0
    cancelled = {f"A-{number}": "BLOCKED" for number in range(2, 6)}
    now = {"A-1": "PENDING", **cancelled, "B-1": "PENDING", "B-2": "FAILED", "C-1": "DONE"}
    assert statuses(kind, folder) == [now] * len(kind.sides.split())
    # 9. take a mistake back
    told = run("undo", "--id", "A-2", "--id", "A-3")
    if has_events:
        assert told.code == 0
        assert [line.split()[2:] for line in told.out.splitlines()] == [[f"A-{n}", "->", "IN_PROGRESS"] for n in (2, 3)]
        now |= {"A-2": "IN_PROGRESS", "A-3": "IN_PROGRESS"}
    else:
        assert (told.code, told.out) == (5, "")
        assert told.err.startswith(f"error: {QUEUE}: a change of the document alone has no event: git keeps the")
    assert statuses(kind, folder) == [now] * len(kind.sides.split())
