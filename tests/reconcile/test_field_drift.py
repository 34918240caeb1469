"""Drift for a page: both values of each field, who set each, few fields, and never a reason to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import aged, insert, item, make_database
from git_projects import GitProject
from msgspec.structs import replace
from report_samples import report

from ops_checks.gate.run import run_gate
from ops_checks.reconcile import field_drift
from ops_checks.reconcile.field_drift import MOST_FIELDS, with_drift
from ops_checks.report.background import Background, FieldDrift
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ops_checks.model import Item

A, B, C = item("A-1", task="Rotate keys"), item("A-2", "DONE"), item("A-3")


@pytest.fixture
def repository(folder: Path) -> GitProject:
    """Return a repository with a queue, committed twice, and its database, of which events tell one change."""
    project = GitProject(folder)
    project.commit([A, B])
    project.commit([item("A-1", priority="P0", task="Rotate keys"), B, C], "more of it")
    aged(folder / "QUEUE.md")
    database(folder, [A, item("A-2", "FAILED"), item("A-4", task="t" * 500)])
    (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\ndb: q.db\n")
    return project


def database(folder: Path, items: Iterable[Item]) -> None:
    """Make the database, with events of one item."""
    make_database(folder / "q.db", items)
    rows = [
        ("A-2", "failed", '{"actor": "s1"}', "2026-02-09 02:00"),
        ("A-2", "lease_released", '{"actor": "s2"}', "2026-02-09 02:05"),
    ]
    insert(folder / "q.db", "queue_events", ("item_id", "event_type", "payload_json", "created_at"), rows)
    aged(folder / "q.db")


def found() -> Background:
    """Return the background of a run that has one, with the drift."""
    made = with_drift(resolve(), replace(run_gate(resolve(), only="consistency"), background=Background()))
    assert made.background is not None
    return made.background


def test_who_set_what_differs(repository: GitProject) -> None:
    """The commit that wrote a cell or a row, and the item's newest event; of a row its status and task are shown."""
    first, second = repository.git("log", "--format=%h", "--abbrev=7").split()[::-1]
    drift = {(each.item, each.field): each for each in found().drift}
    assert drift == {
        ("A-3", "row"): FieldDrift(
            "A-3", "row", "PENDING: task", None, f"{second} (JM, 2026-02-09 01:02) QUEUE.md:9", None
        ),
        ("A-4", "row"): FieldDrift(
            "A-4",
            "row",
            None,
            f"PENDING: {'t' * 290}…",
            "unknown (no version that can be read has it)",
            "updated_at 2026-01-01 00:00, no event",
        ),
        ("A-1", "priority"): FieldDrift(
            "A-1",
            "priority",
            "P0",
            "P1",
            f"{second} (JM, 2026-02-09 01:02) QUEUE.md:7",
            "updated_at 2026-01-01 00:00, no event",
        ),
        ("A-2", "status"): FieldDrift(
            "A-2",
            "status",
            "DONE",
            "FAILED",
            f"{first} (JM, 2026-02-09 01:01) QUEUE.md:8",
            "failed by s1, 2026-02-09 02:00 (event 1)",
        ),
    }
    assert found().notes == ()


def test_without_git_the_events_tell_what_they_can(repository: GitProject) -> None:
    """Where there is no repository, a note says so, and the database's side is told all the same."""
    (repository.folder / ".git").rename(repository.folder / "gone")
    background = found()
    assert {each.md_blame for each in background.drift} == {None}
    assert {each.db_blame for each in background.drift if each.item == "A-2"} == {
        "failed by s1, 2026-02-09 02:00 (event 1)"
    }
    assert background.notes == (
        "who set what in the document is not known: it is in no git repository that can be read",
    )


def test_it_never_fails(repository: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report does not depend on it: what fails is a note."""
    made = replace(run_gate(resolve(), only="consistency"), background=Background(notes=("first",)))
    monkeypatch.setattr(field_drift, "DocumentHistory", lambda *_, **__: 1 / 0)
    after = with_drift(resolve(), made)
    assert after.background is not None
    assert after.background.drift == ()
    first, second = after.background.notes
    assert (first, second[:67]) == ("first", "who set what differs is not known: unexpected ZeroDivisionError (di")
    assert replace(after, background=None) == replace(made, background=None)
    (repository.folder / "QUEUE.md").unlink()
    (note,) = with_drift(resolve(), replace(made, background=Background())).background.notes
    assert note.startswith("who set what differs is not known: QUEUE.md: ")


def test_few_fields_are_shown(folder: Path) -> None:
    """Of a thousand differences two hundred are shown, and the others are counted."""
    project = GitProject(folder)
    project.commit([item(f"A-{number}") for number in range(300)])
    aged(folder / "QUEUE.md")
    make_database(folder / "q.db", [item(f"A-{number}", "DONE") for number in range(300)])
    (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\ndb: q.db\n")
    made = replace(run_gate(resolve(), only="consistency", max_details=250), background=Background())
    background = with_drift(resolve(), made).background
    assert background is not None
    assert len(background.drift) == MOST_FIELDS
    assert background.notes == ("differences between the queues that are not shown with their values: 100",)


def test_nothing_is_asked_where_nothing_differs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without drift, or without a background, neither queue nor git is read."""
    monkeypatch.setattr(field_drift, "DocumentHistory", lambda *_, **__: 1 / 0)
    assert with_drift(resolve(), report()) == report()
    plain = report(background=Background())
    assert with_drift(resolve(), plain) == plain
