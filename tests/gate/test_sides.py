"""Drift names the side that is no longer as both agreed, by the last agreement in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import document, item, make_database, make_markdown

from ops_checks.gate.run import run_gate
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    from ops_checks.model import Item

AGREED = [item("A-1"), item("A-2", notes="a / b"), item("A-3")]


def differing(folder: Path, run: Callable[..., Told], md: list[Item], db: list[Item]) -> dict[tuple[str, str], str]:
    """Agree on AGREED, change both sides, and return the reasons of what the gate finds by item and field."""
    import sqlite3
    from contextlib import closing

    from ops_checks.model import FIELDS

    make_markdown(folder / "QUEUE.md", AGREED)
    make_database(folder / "queue.db", AGREED)
    (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\ndb: queue.db\nconsistency: {fields: all, settle: 0s}\n")
    assert run("baseline").code == 0
    (folder / "QUEUE.md").write_text(document(md))
    with closing(sqlite3.connect(folder / "queue.db")) as connection, connection:
        connection.execute("DELETE FROM queue_items")
        for each in db:
            names = (*FIELDS, "created_at", "updated_at")
            cells = (*each, "2026-01-01 10:00", "2026-01-01 10:00")
            connection.execute(f"INSERT INTO queue_items ({', '.join(names)}) VALUES ({','.join('?' * 11)})", cells)
    report = run_gate(resolve({}), only="consistency")
    return {(each.item or "", each.field or each.rule): each.reason or "" for each in report.findings}


DOING = item("A-1", "IN_PROGRESS")
DONE = item("A-1", "DONE")
NEW = item("A-9")


@pytest.mark.parametrize(
    ("md", "db", "expected"),
    [
        ([DOING, *AGREED[1:]], AGREED, {("A-1", "status"): "only the document differs from b-1"}),
        (AGREED, [DOING, *AGREED[1:]], {("A-1", "status"): "only the database differs from b-1"}),
        ([DOING, *AGREED[1:]], [DONE, *AGREED[1:]], {("A-1", "status"): "both differ from b-1"}),
        ([*AGREED, NEW], AGREED, {("A-9", "missing-in-db"): "b-1 has no such item"}),
        (AGREED, [*AGREED, NEW], {("A-9", "missing-in-md"): "b-1 has no such item"}),
        (AGREED[1:], AGREED, {("A-1", "missing-in-md"): "b-1 has it"}),
        (AGREED, AGREED[1:], {("A-1", "missing-in-db"): "b-1 has it"}),
        ([*AGREED, NEW], [*AGREED, item("A-9", "DONE")], {("A-9", "status"): "never agreed"}),
        (
            [AGREED[0], item("A-2", notes="a / b"), AGREED[2]],
            [AGREED[0], item("A-2", notes="a | b | c"), AGREED[2]],  # joined as each store joins notes
            {("A-2", "notes"): "only the database differs from b-1"},
        ),
        (AGREED, AGREED, {}),
    ],
)
def test_the_side_that_left_the_agreement(
    run: Callable[..., Told],
    folder: Path,
    md: list[Item],
    db: list[Item],
    expected: dict[tuple[str, str], str],
) -> None:
    """Each finding says which side is not as both agreed, and whether the agreement had the item at all."""
    assert differing(folder, run, md, db) == expected


def test_without_an_agreement_nobody_knows(run: Callable[..., Told], folder: Path) -> None:
    """No baseline, no reason; and the lines of consistency-check are those that they always were."""
    make_markdown(folder / "QUEUE.md", AGREED)
    make_database(folder / "queue.db", [DONE, *AGREED[1:]])
    report = run_gate(resolve({}, queue="QUEUE.md", db="queue.db"), only="consistency")
    assert [each.reason for each in report.findings] == [None]


def test_the_lines_of_the_specification_stay(run: Callable[..., Told], folder: Path) -> None:
    """`consistency-check` prints what OPS_COMMANDS says, with or without an agreement."""
    assert differing(folder, run, AGREED, [DONE, *AGREED[1:]])
    assert run("consistency-check").out.splitlines()[1:] == ["- mismatch A-1:status:md=PENDING db=DONE"]
