"""What one item's three states lead to, where the worked cases do not tell (RECONCILE sections 4 to 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from worked_cases import NOW_S

from ops_checks.reconcile.model import (
    DB,
    EVERY,
    LINEAGE_UNKNOWN,
    MD,
    TO_DB,
    TO_MD,
    BaseRow,
    ItemState,
    Options,
    Situation,
    Totals,
    base_row,
)
from ops_checks.reconcile.planner import plan
from ops_checks.stores.changes import Reliability

if TYPE_CHECKING:
    from ops_checks.model import Item
    from ops_checks.reconcile.model import Plan

ID = "ORCH-1"
START = "2026-11-01 10:00"
PENDING = item(ID)
TAKEN = item(ID, "IN_PROGRESS", owner_session="w1", started_at_kst=START)
DONE = item(ID, "DONE", owner_session="w1", started_at_kst=START)
FAILED = item(ID, "FAILED", owner_session="w1", started_at_kst=START)
BLOCKED = item(ID, "BLOCKED")
BY_NAME = {ID: MD}


def lease(owner: str | None = None, ends: object = None, attempts: int = 0) -> Reliability:
    """Return a lease; three attempts are allowed."""
    return Reliability(lease_owner=owner, lease_expires_at=ends, attempt_count=attempts, max_attempts=3)  # type: ignore[arg-type] # as a database may hold it


def planned(
    base: Item | BaseRow | None,
    md: Item | None,
    db: Item | None,
    *,
    held: Reliability | None = None,
    options: Options | None = None,
    **situation: object,
) -> Plan:
    """Return the plan for one item."""
    row = base_row(base) if isinstance(base, tuple) else base
    state = ItemState(ID, row, md, db, held or lease())
    return plan([state], Totals(), options or Options(), Situation(NOW_S, **situation))  # type: ignore[arg-type] # by name


def told(found: Plan) -> list[str]:
    """Return actions and needs in a few words each."""
    actions = [f"{each.unit} {each.kind} {each.to}" for each in found.actions]
    return actions + [f"{each.unit} {each.reason}{' refused' * each.refused}" for each in found.needs]


@pytest.mark.parametrize(
    ("db", "md", "by_itself", "by_name"),
    [
        (PENDING, TAKEN, "claim set db", "claim set db"),
        (PENDING, item(ID, "IN_PROGRESS", owner_session="w1"), "claim claim-incomplete", "claim set db"),
        (PENDING, item(ID, "IN_PROGRESS"), "claim claim-incomplete", "claim claim-incomplete refused"),
        (PENDING, item(ID, owner_session="w1"), "claim claim-incomplete", "claim set db"),
        (PENDING, DONE, "claim set db", "claim set db"),
        (PENDING, item(ID, "FAILED"), "claim done-unclaimed", "claim set db"),
        (TAKEN, PENDING, "claim requeue", "claim set db"),
        (TAKEN, item(ID, "IN_PROGRESS", owner_session="w2"), "claim owner-changed", "claim set db"),
        (TAKEN, BLOCKED, "claim set db", "claim set db"),
        (TAKEN, FAILED, "claim set db", "claim set db"),
        (BLOCKED, PENDING, "claim set db", "claim set db"),
        (BLOCKED, item(ID, owner_session="w1"), "claim claim-incomplete", "claim set db"),
        (BLOCKED, TAKEN, "claim set db", "claim set db"),
        (BLOCKED, item(ID, "BLOCKED", owner_session="w1"), "claim owner-changed", "claim set db"),
        (BLOCKED, item(ID, "DONE"), "claim done-unclaimed", "claim set db"),
        (FAILED, PENDING, "claim use-retry", "claim set db"),
        (FAILED, TAKEN, "claim terminal", "claim set db"),
        (FAILED, item(ID, "FAILED"), "claim terminal", "claim set db"),
        (DONE, FAILED, "claim terminal", "claim set db"),
    ],
)
def test_claim_that_moved_in_the_document(db: Item, md: Item, by_itself: str, by_name: str) -> None:
    """Each move from the database's status to the document's has its answer, by itself and by name (section 5)."""
    assert told(planned(db, md, db)) == [by_itself]
    assert told(planned(db, md, db, options=Options(prefer=BY_NAME))) == [by_name]
    assert told(planned(db, md, db, options=Options(prefer={ID: DB})))[0] in {"claim set md", by_itself}
    if by_itself != "claim set db":
        assert told(planned(db, md, db, options=Options(prefer={EVERY: MD}))) == [by_itself]


@pytest.mark.parametrize(
    ("db", "found"),
    [(DONE, ["claim terminal"]), (PENDING, ["claim set db"]), (item(ID, "FAILED"), ["claim terminal"])],
)
def test_a_preference_for_everything_opens_no_more_than_a_move(db: Item, found: list[str]) -> None:
    """A claim that both sides moved goes over for all at once only where the document's alone would have gone."""
    blocked = item(ID, "BLOCKED", owner_session="w1", started_at_kst=START)
    assert told(planned(TAKEN, blocked, db, options=Options(prefer={EVERY: MD}))) == found
    assert told(planned(TAKEN, blocked, db, options=Options(prefer=BY_NAME))) == ["claim set db"]


@pytest.mark.parametrize(
    ("attempts", "md", "found"),
    [
        (2, PENDING, ["claim set db"]),
        (3, PENDING, ["claim attempts-used-up refused"]),
        (3, TAKEN, ["claim attempts-used-up refused"]),
        (3, BLOCKED, ["claim set db"]),
    ],
)
def test_attempts_that_are_used_up(attempts: int, md: Item, found: list[str]) -> None:
    """No preference starts an item again whose attempts are used up."""
    options = Options(prefer=BY_NAME)
    assert told(planned(FAILED, md, FAILED, held=lease(attempts=attempts), options=options)) == found


def test_an_attempt_is_counted() -> None:
    """An item that the document puts back from FAILED has been tried once more."""
    [action] = planned(FAILED, PENDING, FAILED, held=lease(attempts=1), options=Options(prefer=BY_NAME)).actions
    assert action.attempt_count == 2


@pytest.mark.parametrize(
    ("held", "found"),
    [
        (lease("w1", NOW_S + 1), "claim held"),
        (lease("w1", int(NOW_S) + 1), "claim held"),
        (lease("w1", int(NOW_S)), "claim set db"),
        (lease("w1", "soon"), "claim held"),
        (lease("w1", float("inf")), "claim held"),
        (lease("w1"), "claim set db"),
        (lease(None, int(NOW_S) + 500), "claim set db"),
    ],
)
def test_a_lease_that_runs_or_cannot_be_read_holds(held: Reliability, found: str) -> None:
    """Who holds an item keeps it, whatever is preferred; a lease that is no readable time counts as held."""
    assert told(planned(TAKEN, DONE, TAKEN, held=held)) == [found]
    preferred = told(planned(TAKEN, DONE, TAKEN, held=held, options=Options(prefer=BY_NAME)))
    assert preferred == ["claim held refused" if found == "claim held" else found]


NOTED = item(ID, notes="a")


@pytest.mark.parametrize(
    ("base", "md", "db", "found"),
    [
        ("a", "b", "c", ["notes notes-conflict"]),
        ("a", "a | b", "c", ["notes notes-conflict"]),
        ("a", "a | b", "a | b", []),
        ("a", "a / b", "a | b | c", ["notes set md"]),
        ("a", "a | b | c", "a | b", ["notes set db"]),
        ("a", "a | x", "a | y", ["notes set db", "notes set md"]),
        ("", "x", "y", ["notes set db", "notes set md"]),
        ("p|q", "p/q / x", "p|q | y", ["notes set db", "notes set md"]),
        ("a", "a / p/q", "a | p|q | y", ["notes set md"]),
        ("a", "b", "a", ["notes set db"]),
    ],
)
def test_notes(base: str, md: str, db: str, found: list[str]) -> None:
    """Notes that both sides appended to are merged; where one rewrote them, a person decides (section 6)."""
    rows = [item(ID, notes=notes) for notes in (base, md, db)]
    assert told(planned(*rows)) == found


def test_merged_notes_bring_no_pipe_into_the_document() -> None:
    """A pipe that older tools wrote as a slash stays one in the document, and a pipe in the database."""
    made = planned(item(ID, notes="p|q"), item(ID, notes="p/q / x"), item(ID, notes="p|q | y"))
    assert [each.after for each in made.actions] == [{"notes": "p|q | y | x"}, {"notes": "p/q / y / x"}]


def test_merged_notes_go_to_both_sides_or_to_neither() -> None:
    """What holds one side holds the other as well, in a document that may only be read as in a plan one way."""
    rows = (NOTED, item(ID, notes="a | x"), item(ID, notes="a | y"))
    assert told(planned(*rows, md_read_only=True)) == ["notes md-read-only"]
    assert told(planned(*rows, lineage=LINEAGE_UNKNOWN)) == ["notes lineage"]
    assert told(planned(*rows, options=Options(source_of_truth=DB))) == ["notes md-is-view"]
    assert told(planned(*rows, options=Options(direction=TO_DB))) == []


def test_merged_notes_that_one_side_has_go_to_the_other() -> None:
    """What holds a side that needs nothing holds nothing: a plan one way, a reader's document, an unknown lineage."""
    longer = (NOTED, item(ID, notes="a | x"), item(ID, notes="a | y | x"))
    shorter = (NOTED, item(ID, notes="a | y | x"), item(ID, notes="a | y"))
    for options in (Options(), Options(direction=TO_MD), Options(source_of_truth=DB)):
        assert told(planned(*longer, options=options)) == ["notes set md"]
    assert told(planned(*longer, lineage=LINEAGE_UNKNOWN)) == ["notes set md"]
    assert told(planned(*longer, options=Options(direction=TO_DB))) == []
    assert told(planned(*shorter, md_read_only=True)) == ["notes set db"]
    assert told(planned(*shorter, lineage=LINEAGE_UNKNOWN)) == ["notes lineage"]


def test_rewritten_notes_wait_for_a_claim_that_is_not_looked_at() -> None:
    """A plan for the notes alone does not take over what an older document says of a claim that goes nowhere."""
    ended = item(ID, "DONE", owner_session="w1", started_at_kst=START, notes="shipped")
    older = item(ID, "IN_PROGRESS", owner_session="w1", started_at_kst=START, notes="72h:D2")
    alone = frozenset({"notes"})
    assert told(planned(ended, older, ended, options=Options(units=alone))) == ["notes terminal"]
    assert told(planned(ended, older, ended, options=Options(units=alone, prefer=BY_NAME))) == ["notes set db"]
    assert told(planned(ended, older, ended, options=Options(units=frozenset({"priority"})))) == []


@pytest.mark.parametrize(
    ("prefer", "found"),
    [
        ({}, ["row deleted-in-db"]),
        ({EVERY: MD}, ["row restore db"]),
        ({EVERY: DB}, ["row deleted-in-db"]),
        ({ID: MD}, ["row restore db"]),
        ({ID: DB}, ["row remove md"]),
        ({f"{ID}.row": DB}, ["row remove md"]),
        ({f"{ID}.claim": DB}, ["row deleted-in-db"]),
    ],
)
def test_an_item_that_is_gone_from_the_database(prefer: dict[str, str], found: list[str]) -> None:
    """It is put back for all at once, and taken out of the document only by name."""
    assert told(planned(PENDING, PENDING, None, options=Options(prefer=prefer))) == found


NOT_AGREED = BaseRow(dict.fromkeys(("status", "priority", "task", "success_criteria", "owner_session", "notes")))


@pytest.mark.parametrize(
    ("prefer", "found"),
    [
        ({}, ["row no-base"]),
        ({ID: MD}, ["row add db"]),
        ({ID: DB}, ["row no-base refused"]),
        ({EVERY: MD}, ["row no-base"]),
        ({EVERY: DB}, ["row no-base"]),
    ],
)
def test_a_row_that_was_never_agreed_is_never_removed(prefer: dict[str, str], found: list[str]) -> None:
    """It is added to the other side by name; naming the side that lacks it is refused (rule B8)."""
    assert told(planned(NOT_AGREED, PENDING, None, options=Options(prefer=prefer))) == found


def test_union_adds_what_was_never_agreed() -> None:
    """With --no-base union a row of one side only was added there."""
    assert told(planned(NOT_AGREED, PENDING, None, options=Options(union=True))) == ["row add db"]
    assert told(planned(None, None, PENDING, options=Options(union=True), has_base=False)) == ["row add md"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (Options(), ["row both-added"]),
        (Options(prefer={EVERY: MD}), ["row both-added"]),
        (Options(prefer={ID: MD}), ["task set db"]),
        (Options(prefer={ID: DB}), ["task set md"]),
        (Options(rekey={ID: "ORCH-9"}), ["row rekey md", "row add db", "row add md"]),
    ],
)
def test_two_tasks_under_one_id(options: Options, found: list[str]) -> None:
    """They are settled by name, as a whole; with a new id nothing is lost."""
    assert told(planned(None, item(ID, task="one"), item(ID, task="two"), options=options)) == found


@pytest.mark.parametrize(
    ("options", "md", "found"),
    [
        (Options(direction=TO_DB), {}, "row both-added refused"),
        (Options(direction=TO_MD), {}, "row both-added refused"),
        (Options(), {"status": "IN_PROGRESS", "started_at_kst": START}, "row claim-incomplete refused"),
    ],
)
def test_a_new_id_opens_no_more_than_a_row_by_itself(options: Options, md: dict[str, str], found: str) -> None:
    """A new id needs both sides, and brings no item into the database that nobody could be asked about."""
    options = Options(rekey={ID: "ORCH-9"}, direction=options.direction)
    assert told(planned(None, item(ID, task="one", **md), item(ID, task="two"), options=options)) == [found]


LOST = item("A-1", task="rename _it", success_criteria="two\nlines")
RENAMED = item("B-1", task=r"rename \_it ", success_criteria="two lines")
OF_BOTH = ["A-1 row renamed", "B-1 row renamed"]


@pytest.mark.parametrize(
    ("db", "md", "prefer", "found"),
    [
        (LOST, RENAMED, {}, OF_BOTH),
        (item("A-1", task="changed since", success_criteria="two lines"), RENAMED, {}, OF_BOTH),
        (LOST, item("B-1", task="another"), {}, ["B-1 row add db", "A-1 row deleted-in-md"]),
        (LOST, RENAMED, {EVERY: DB}, OF_BOTH),
        (LOST, RENAMED, {"A-1": MD}, ["A-1 row remove db", "B-1 row add db"]),
        (LOST, RENAMED, {"A-1": DB}, ["A-1 row restore md", "B-1 row add db"]),
        (LOST, RENAMED, {"B-1": MD}, ["B-1 row add db", "A-1 row deleted-in-md"]),
        (LOST, RENAMED, {"B-1": MD, EVERY: DB}, ["A-1 row restore md", "B-1 row add db"]),
        (LOST, RENAMED, {"B-1": DB}, ["A-1 row renamed", "B-1 row renamed refused"]),
    ],
)
def test_an_id_that_was_changed_in_the_document(db: Item, md: Item, prefer: dict[str, str], found: list[str]) -> None:
    """The task is known by its words as they are compared; one id by name leaves nothing to the next plan."""
    states = [ItemState("A-1", base_row(LOST), None, db, lease()), ItemState("B-1", None, md, None)]
    made = plan(states, Totals(), Options(prefer=prefer), Situation(NOW_S))
    actions = [f"{each.id} {each.unit} {each.kind} {each.to}" for each in made.actions]
    assert [
        *actions,
        *(f"{each.id} {each.unit} {each.reason}{' refused' * each.refused}" for each in made.needs),
    ] == found


def test_a_view_takes_nothing_from_hands() -> None:
    """Where the database is the source of truth, a hand's edit of the document is asked about."""
    view = Options(source_of_truth=DB)
    edited = item(ID, priority="P0")
    assert told(planned(PENDING, edited, PENDING, options=view)) == ["priority md-is-view"]
    assert told(planned(None, PENDING, None, options=view)) == ["row md-is-view"]
    assert told(planned(PENDING, PENDING, TAKEN, options=view)) == ["claim set md"]


def test_what_a_formatter_escapes_has_not_moved() -> None:
    """A cell that Markdown reads as before is as agreed, on either side; what really changed goes over."""
    base, formatted = item(ID, task="rename _it"), item(ID, task=r"rename \_it")
    moved = item(ID, task="rename _it", priority="P0")
    assert told(planned(base, formatted, moved)) == ["priority set md"]
    assert told(planned(formatted, base, base)) == []
    assert told(planned(formatted, base, item(ID, task="rename it"))) == ["task set md"]


def test_one_way_leaves_the_other() -> None:
    """A plan one way has no action the other way, and asks nothing about it."""
    assert told(planned(PENDING, PENDING, TAKEN, options=Options(direction=TO_DB))) == []
    assert told(planned(PENDING, item(ID, priority="P0"), PENDING, options=Options(direction=TO_MD))) == []
    for db in (TAKEN, item(ID, notes="more")):
        assert told(planned(PENDING, PENDING, db, options=Options(direction=TO_DB), md_read_only=True)) == []
    assert told(planned(None, None, PENDING, options=Options(direction=TO_DB), md_read_only=True)) == []


def test_a_preference_that_nothing_asks_for_is_told() -> None:
    """An option that had no effect is never dropped in silence."""
    found = planned(PENDING, PENDING, TAKEN, options=Options(prefer={ID: MD, "ORCH-2": DB, EVERY: DB}))
    assert told(found) == ["claim set md"]
    assert found.unused == [f"--prefer {ID}=md", "--prefer ORCH-2=db"]
    assert planned(PENDING, PENDING, TAKEN, options=Options(rekey={ID: "B-1"})).unused == [f"--rekey {ID}=B-1"]


@pytest.mark.parametrize(
    ("totals", "options", "stop"),
    [
        (Totals(base=10, md=10, db=10, md_of_base=10, db_of_base=10), Options(), None),
        (Totals(base=10, md=0, db=10, db_of_base=10, gone_md=10), Options(), "empty-md"),
        (Totals(base=10, md=0, db=10, db_of_base=10, gone_md=10), Options(prefer={EVERY: DB}), "empty-md"),
        (Totals(base=10, md=0, db=10, db_of_base=10, gone_md=10), Options(allow_empty=MD), None),
        (Totals(base=10, md=0, db=10, db_of_base=10, gone_md=10), Options(allow_empty=DB), "empty-md"),
        (Totals(base=10, md=10, db=0, md_of_base=10, gone_db=10), Options(), "empty-db"),
        (Totals(base=10, md=0, db=0), Options(), None),
        (Totals(base=0, md=0, db=10), Options(), None),
        (Totals(base=10, md=9, db=10, md_of_base=4, db_of_base=10, gone_md=6), Options(), "other-queue-md"),
        (Totals(base=10, md=9, db=10, md_of_base=5, db_of_base=10, gone_md=5), Options(), "mass-removal-md"),
        (Totals(base=10, md=10, db=9, md_of_base=10, db_of_base=4, gone_db=6), Options(), "other-queue-db"),
        (Totals(base=3, md=9, db=3, md_of_base=0, db_of_base=3, gone_md=3), Options(), None),
        (Totals(base=10, md=9, db=10, md_of_base=4, db_of_base=10, gone_md=6), Options(max_removed=6), None),
        (Totals(base=10, md=7, db=10, md_of_base=7, db_of_base=10, gone_md=3), Options(), None),
        (
            Totals(base=10, md=7, db=10, md_of_base=7, db_of_base=10, gone_md=3),
            Options(max_removed=2),
            "mass-removal-md",
        ),
        (Totals(base=100, md=89, db=100, md_of_base=89, db_of_base=100, gone_md=11), Options(), "mass-removal-md"),
        (Totals(base=100, md=100, db=89, md_of_base=100, db_of_base=89, gone_db=11), Options(), "mass-removal-db"),
        (Totals(base=38, md=38, db=38, md_of_base=38, db_of_base=38, moved_md=20), Options(), "mass-change-md"),
        (Totals(base=40, md=40, db=40, md_of_base=40, db_of_base=40, moved_md=20), Options(), None),
        (Totals(base=20, md=20, db=20, md_of_base=20, db_of_base=20, moved_md=19), Options(), None),
        (Totals(base=38, md=38, db=38, md_of_base=38, db_of_base=38, moved_md=20), Options(max_changed=20), None),
    ],
)
def test_safety_stops(totals: Totals, options: Options, stop: str | None) -> None:
    """What looks like another queue or a loss stops everything, whatever is preferred (section 7)."""
    state = ItemState(ID, base_row(PENDING), item(ID, priority="P0"), PENDING, lease())
    found = plan([state], totals, options, Situation(NOW_S))
    assert (found.stop.reason if found.stop else None) == stop
    assert bool(found.actions) is (stop is None)


def test_an_interrupted_plan_is_told_first() -> None:
    """It comes before every other stop."""
    found = plan([], Totals(base=10, db=10), Options(), Situation(NOW_S, interrupted="p-0000000000000000"))
    assert found.stop is not None
    assert found.stop.reason == "interrupted"
