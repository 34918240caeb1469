"""Where both queues differ and there is a base, a check says on stderr what tells who moved; it is still two-way."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown
from database_kinds import every_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
ITEMS = [item(f"ORCH-{number}") for number in range(1, 6)]
HINT = "note: {} in {}: `ops-checks drift` shows which side moved since the baseline b-1\n"
CHECK = ("check", "--only", "consistency")


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """Return a project whose queues agree, with a baseline."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS)
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")
    assert run("baseline").code == 0
    aged(folder / DB)
    return folder


def differ(project: Path, change: str) -> None:
    """Change the database, some time ago."""
    execute(project / DB, change)
    aged(project / DB)


@every_database
@pytest.mark.parametrize(
    ("change", "found", "items"),
    [
        ("UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'", "1 mismatch", "1 item"),
        ("UPDATE queue_items SET status = 'DONE', owner_session = 's1', started_at_kst = 'x' WHERE id > 'ORCH-2'",
         "9 mismatches", "3 items"),
        ("DELETE FROM queue_items WHERE id < 'ORCH-3'", "2 mismatches", "2 items"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [("consistency-check",), ("consistency-check", "-f", "text"), CHECK])
def test_mismatches_and_items_are_counted(
    project: Path, run: Run, command: tuple[str, ...], change: str, found: str, items: str
) -> None:
    """The mismatches are those of the specified line, which stays as it is; 40 picks are 120 of them in 40 items."""
    before = run(*command)
    assert (before.code, before.err) == (0, "")
    differ(project, change)
    shown = run(*command, "--max-details", "1")
    assert (shown.code, shown.err) == (1, HINT.format(found, items))
    assert "note" not in shown.out


@every_database
@pytest.mark.parametrize("command", [("consistency-check",), CHECK])
def test_nothing_is_said_without_a_base(project: Path, run: Run, command: tuple[str, ...]) -> None:
    """Without a base, and with one that is damaged, a check says and decides what it always did."""
    differ(project, "UPDATE queue_items SET priority = 'P0'")
    told = run(*command)
    for damage in (
        "DELETE FROM queue_baselines",
        "DROP TABLE queue_baselines",
        "CREATE VIEW queue_baselines AS SELECT 1 AS id",
        "DROP TABLE queue_baseline",
        "DROP VIEW queue_baselines",
    ):
        differ(project, damage)
        plain = re.sub(r" \((?:only the \w+ differs|both differ) from b-1\)", "", told.out)
        assert run(*command) == told._replace(out=plain, err=""), damage


def test_nothing_is_said_where_the_base_is_damaged(project: Path, run: Run) -> None:
    """A file takes any value in any column."""
    differ(project, "UPDATE queue_items SET priority = 'P0'; UPDATE queue_baselines SET made_at = x'00'")
    told = run("consistency-check")
    assert (told.code, told.err) == (1, "")


@every_database
@pytest.mark.parametrize(
    "arguments",
    [(*CHECK, "-f", "json"), (*CHECK, "-f", "health"), ("consistency-check", "-f", "json"), ("check", "--only", "kpi")],
)
def test_it_is_for_who_reads_the_text(project: Path, run: Run, arguments: tuple[str, ...]) -> None:
    """Programs that read another format, and a run that compares nothing, get no such line."""
    differ(project, "UPDATE queue_items SET priority = 'P0'")
    told = run(*arguments)
    assert "shows which side moved" not in told.out + told.err


@every_database
def test_what_is_waived_needs_no_way_out(project: Path, run: Run) -> None:
    """Drift that a waiver answers for passes, and the gate names no way out of it; `consistency-check` shows all."""
    differ(project, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'")
    (project / "ops-checks.yaml").write_text(
        "consistency:\n  settle: 0s\nwaivers:\n- {rule: field-mismatch, item: ORCH-2, reason: known, owner: kim, "
        'expires: "2030-12-31"}\n'
    )
    assert (run(*CHECK).code, run(*CHECK).err) == (0, "")
    assert run("consistency-check").err == HINT.format("1 mismatch", "1 item")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_that_may_only_be_read(project: Path, run: Run) -> None:
    """The base is read as the rows are: nothing is written for it."""
    differ(project, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'")
    (project / DB).chmod(0o444)
    (project / DB).parent.chmod(0o555)
    try:
        told = run("consistency-check")
    finally:
        (project / DB).parent.chmod(0o755)
    assert (told.code, told.err) == (1, HINT.format("1 mismatch", "1 item"))
