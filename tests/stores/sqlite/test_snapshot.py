"""Reading a database in batches: what is told does not depend on where a batch ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database

from ops_checks import open_queue
from ops_checks.errors import InputError
from ops_checks.stores.sqlite.snapshot import _BATCH

if TYPE_CHECKING:
    from pathlib import Path


def test_the_most_retried_come_first(tmp_path: Path) -> None:
    """Retried items come by the number of their retries, and those with the same number by id."""
    path = make_database(tmp_path / "q.db", [item(each) for each in ("A-1", "A-2", "A-3", "A-4")])
    for number, item_id in enumerate(["A-3", "A-2", "A-4", "A-4", "A-3", "A-4", "A-1"], 1):
        execute(path, f"INSERT INTO queue_events VALUES ({number}, '{item_id}', 'retried', '{{}}', '2026-01-01 00:00')")
    with open_queue(path).snapshot() as snapshot:
        assert list(snapshot.retries()) == [("A-4", 3), ("A-3", 2), ("A-1", 1), ("A-2", 1)]


def test_malformed_rows_of_all_batches_are_told(tmp_path: Path) -> None:
    """Malformed rows that lie far apart are told together, in their order."""
    ids = [f"A-{number:03}" for number in range(3 * _BATCH)]
    path = make_database(tmp_path / "q.db", [item(each) for each in ids])
    wrong = [ids[1], ids[_BATCH + 1], ids[-1]]
    execute(path, f"UPDATE queue_items SET status = 'x' WHERE id IN {tuple(wrong)}")
    with open_queue(path).snapshot() as snapshot, pytest.raises(InputError) as caught:
        list(snapshot.items())
    told = [caught.value.message, *caught.value.details]
    assert [each.split(": status ")[0].rpartition(":")[2] for each in told] == wrong
