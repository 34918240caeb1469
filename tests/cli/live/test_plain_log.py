"""The plain lines of a live view, by the order in which the news comes."""

from __future__ import annotations

from builders import item
from conftest import NOW_S
from test_live_lines import AT, MISMATCH, OLD, PASSES, kpi, queue

from ops_checks.cli.live.plain import PlainLog
from ops_checks.errors import LockedError
from ops_checks.live.feed import News
from ops_checks.live.model import DRIFT, KPI, QUEUE, DriftSeen

DRIFTED, AGREED = DriftSeen(3, MISMATCH), DriftSeen(3, dict.fromkeys(MISMATCH, 0))
YES, NO = "drift: yes missing_in_db=0 missing_in_md=0 field_mismatch=2", "drift: no, 3 items compared"
LOCKED = LockedError("q.db: locked by another program")


def told(*news: News) -> list[list[str]]:
    """Return the lines after each of some news; those for stderr begin with a `!`."""
    log = PlainLog(540)
    return [[f"{'!' * line.remark}{line.text}" for line in log.take(each, NOW_S)] for each in news]


def test_the_parts_are_told_in_their_order() -> None:
    """Whichever is read first: the queue, drift, KPIs."""
    kpis, drift, seen = told(News(KPI, kpi(PASSES)), News(DRIFT, AGREED), News(QUEUE, OLD))
    assert (kpis, drift) == ([], [])
    assert [line.split()[0] for line in seen] == ["summary", "workers_active=1", "oldest_in_progress", "drift:", "kpi"]


def test_what_does_not_change_is_not_told() -> None:
    """A reading that finds the same says nothing."""
    news = [News(QUEUE, OLD), News(DRIFT, AGREED), News(KPI, kpi(PASSES))]
    assert told(*news, *news)[3:] == [[], [], []]


def test_drift_that_is_not_settled_is_no_change() -> None:
    """A program between its two writes is not called drift; what stays is, and so is agreement again."""
    moving = DRIFTED._replace(settled=False)
    lines = told(News(QUEUE, OLD), *(News(DRIFT, each) for each in (AGREED, moving, DRIFTED, moving, AGREED, AGREED)))
    assert lines[1:] == [[NO], [], [f"{AT} {YES}"], [], [f"{AT} {NO}"], []]


def test_another_number_of_items_is_no_drift() -> None:
    """An item that was added on both sides changes nothing of their agreement."""
    assert told(News(QUEUE, OLD), News(DRIFT, AGREED), News(DRIFT, AGREED._replace(compared=4)))[2] == []


def test_changes_since_what_was_told_last() -> None:
    """What changed while the queue could not be read is told when it can be, once."""
    later = queue(item("A-1", "DONE"))
    lines = told(News(QUEUE, OLD), News(QUEUE, OLD, LOCKED), News(QUEUE, OLD, LOCKED), News(QUEUE, later))
    assert lines[1:3] == [["!warning: q.db: locked by another program"], []]
    assert lines[3][:2] == ["!note: queue: could be read again", f"{AT} A-1 IN_PROGRESS -> DONE"]


def test_a_part_that_is_known_late() -> None:
    """One that could not be read at first holds up no other, and is told as a whole when it can be."""
    lines = told(News(QUEUE, OLD), News(DRIFT, None, LOCKED), News(KPI, kpi(PASSES)), News(DRIFT, DRIFTED))
    assert lines[1] == ["!warning: q.db: locked by another program"]
    assert lines[2][0].startswith("kpi success_rate")
    assert lines[3] == ["!note: drift: could be read again", YES]


def test_what_keeps_several_parts_is_told_once() -> None:
    """One server that is gone is one line, and so is that it is back; it is told again when it goes again."""
    gone = [News(part, seen, LOCKED) for part, seen in ((DRIFT, AGREED), (KPI, kpi(PASSES)), (QUEUE, OLD))]
    back = [News(QUEUE, OLD), News(DRIFT, AGREED), News(KPI, kpi(PASSES))]
    lines = told(*back, *gone, *back, *gone)
    assert lines[3:6] == lines[9:] == [["!warning: q.db: locked by another program"], [], []]
    assert lines[6:9] == [["!note: queue: could be read again"], [], []]


def test_another_error_of_a_part_is_told() -> None:
    """It has changed, and so it has when the first one is there again."""
    other = LockedError("q.db: locked by a third one")
    lines = told(News(QUEUE, OLD), *(News(DRIFT, None, each) for each in (LOCKED, other, LOCKED)))
    assert lines[1:] == [[f"!warning: {each.message}"] for each in (LOCKED, other, LOCKED)]
