"""One state of a queue on a server, whatever is read beside what streams, and whoever writes meanwhile."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from builders import item, make_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_checks.errors import InputError
from ops_checks.stores.baseline import AgreedRow, PlanRecord
from ops_checks.stores.registry import SQLITE
from ops_checks.transitions import Stamp, cancel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postgres_queues import PgQueue

    from ops_checks.stores.protocol import Store

    Make = Callable[..., PgQueue]

STAMP = Stamp(actor="tester", now_s=1_767_279_600, tz_minutes=540)
MANY = [item(f"A-{number:03}") for number in range(300)]
OURS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'ops-checks' AND datname = current_database()"


def test_what_others_write_is_not_seen(pg_queue: Make) -> None:
    """From entering on there is one state: in a stream, in what is read beside it, and in what is read afterwards."""
    queue = pg_queue(MANY)
    with queue.store().snapshot() as view:
        before = (view.state(), view.identity())
        queue.store().change("A-000", cancel(STAMP))
        stream = view.items()
        seen = [next(stream)]
        queue.store().change("A-250", cancel(STAMP))
        queue.add([item("B-1")])
        queue.execute("DELETE FROM queue_items WHERE id = 'A-299'")
        assert (view.state(), view.identity()) == before
        assert view.get("A-250") == MANY[250]
        assert view.get("B-1") is None
        assert list(view.events("A-250")) == []
        assert [each for _, each in view.items()] == MANY
        assert [each.item for each in view.details()] == MANY
        seen += stream
        assert [each for _, each in seen] == MANY
        assert [number for number, _ in seen] == list(range(1, 301))
        assert view.changed()
    assert len(list(queue.store())) == 300


def test_much_may_be_read_at_once(pg_queue: Make) -> None:
    """Streams in each other, some of them abandoned: each is whole, and a new one begins afresh."""
    queue = pg_queue(MANY)
    store = queue.store()
    with store.snapshot() as view:
        pairs = list(itertools.islice(zip(view.items(), view.items_by_creation(), view.details(), strict=True), 70))
        assert [number for (number, _), *_ in pairs] == list(range(1, 71))
        for _ in range(3):
            assert next(view.items())[0] == 1
            assert next(view.keys())[0] == 1
            assert view.get("A-123") == MANY[123]
            next(iter(view.recorded()))
        first, second = view.items(), view.items()
        mixed = [each for pair in zip(first, second, strict=True) for each in pair]
        assert mixed[::2] == mixed[1::2] == list(enumerate(MANY, 1))
        view.check()
        assert len(list(view.keys())) > 1
        view.agreement().content_digest()


def test_what_was_begun_before_a_stream_goes_on_beside_it(pg_queue: Make) -> None:
    """A connection that copies answers nothing else: who asked it would wait for ever."""
    queue = pg_queue(MANY)
    with queue.store().snapshot() as view:
        agreement, tables, waits, events = view.agreement(), view.tables(), view.pending_since(), view.recorded()
        assert next(waits)[0] == "A-000"
        next(events)
        stream = view.items()
        assert next(stream)[0] == 1
        assert agreement.newest_event_id() is None
        assert len(list(tables.rows("queue_items", ["id"]))) == len(list(waits)) + 1 == 300
        assert len(list(stream)) == 299


def test_nothing_stays_connected(pg_queue: Make) -> None:
    """Whatever is abandoned, and however a snapshot is left, its connections are closed."""
    queue = pg_queue(MANY)
    stream = iter(queue.store())
    next(stream)
    stream.close()
    with pytest.raises(KeyboardInterrupt), queue.store().snapshot() as view:  # noqa: PT012 - leaving it is the point
        abandoned = view.items()
        next(abandoned)
        next(view.details())
        raise KeyboardInterrupt
    with pytest.raises(InputError, match="no table"):
        pg_queue(tables="SELECT").store().get("A-000")
    until = time.monotonic() + 60
    while queue.database.execute(OURS):  # the end of a connection takes its time on the server
        assert time.monotonic() < until


def test_an_interrupt_ends_a_wait(pg_queue: Make) -> None:
    """Ctrl-C while the server keeps a command waiting ends it with 130; the server does not go on with it."""
    queue = pg_queue(MANY)
    with queue.connect() as holder:
        holder.execute("BEGIN; SELECT FROM queue_items WHERE id = 'A-000' FOR UPDATE")
        argv = [sys.executable, "-m", "ops_checks", "--lock-timeout", "60", "cancel", "--id", "A-000", "--db"]
        command = subprocess.Popen([*argv, queue.location()], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        waiting = f"{OURS} AND wait_event_type = 'Lock'"
        while not queue.execute(waiting) and command.poll() is None:
            pass
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=60)
        assert (command.returncode, out, "Traceback" in err) == (130, "", False)
        until = time.monotonic() + 60
        while queue.execute(waiting):
            assert time.monotonic() < until
    assert queue.store().get("A-000") == MANY[0]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | st.sampled_from(
    ["{}", '{"operation": "op-1", "from": "PENDING"}', "한", "a\tb\n\\", "2026-01-02 00:00"]
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["A-000", "A-001", "A-002", None]),
        st.sampled_from(["retried", "added", "done"]) | texts,
        texts,
        st.none() | texts,
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def tables(pg_queue: Make) -> PgQueue:
    """Return the tables that the examples share."""
    return pg_queue()


@given(events=EVENTS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_history_and_agreement_are_those_of_a_file(tables: PgQueue, tmp_path: Path, events: list[Any]) -> None:
    """Events, what they tell together, an agreement with its digests, and records of plans: as SQLite has them."""
    items = MANY[:3]
    tables.execute(
        "DROP TABLE IF EXISTS queue_baseline, queue_baselines, queue_reconcile; TRUNCATE queue_items CASCADE"
    )
    tables.execute("TRUNCATE queue_events RESTART IDENTITY")
    tables.add(items)
    path = tmp_path / "q.db"
    path.unlink(missing_ok=True)
    make_database(path, items)
    columns = "(item_id, event_type, payload_json, created_at)"
    with tables.connect() as connection:
        for event in events:
            connection.execute(f"INSERT INTO queue_events {columns} VALUES (%s, %s, %s, %s)", event)
    for event in events:
        select_and_commit(path, f"INSERT INTO queue_events {columns} VALUES (?, ?, ?, ?)", event)
    files, server = [history(store) for store in (SQLITE.open(str(path)), tables.store())]
    assert server == files
    files, server = [agreed(store) for store in (SQLITE.open(str(path)), tables.store())]
    assert server == files


def select_and_commit(path: Path, sql: str, values: tuple[Any, ...]) -> None:
    """Run a statement on a SQLite file."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def history(store: Store) -> list[Any]:
    """Return all that the events of a queue are asked for."""
    with store.snapshot() as view:
        recorded = [row for batch in view.recorded() for row in zip(*batch, strict=True)]
        return [
            *(list(view.events(each.id)) for each in MANY[:3]),
            list(view.events_of(("retried", "added"))),
            list(view.events_of(("retried",), "op-1", 2)),
            view.retry_count(),
            view.newest_event(),
            *map(view.event_time, (1, 2, 99)),
            sorted(view.retries()),
            sorted(view.retry_times(), key=repr),
            list(view.pending_since()),
            view.identity(),
            recorded,
            view.may_hold(["A-001\0", "A-001"]),
            view.may_hold(["B"]),
        ]


def agreed(store: Store) -> list[Any]:
    """Record an agreement and two plans, and return all that is read of them."""
    header = {
        "made_at": "2026-01-02 00:00",
        "actor": "me",
        "md_path": "Q.md",
        "md_digest": "d",
        "md_commit": None,
        "items": 3,
        "tool": "t",
        "whole": False,
    }
    record = PlanRecord("p-1", "applied", "2026", "me", "{}", "{}", "", "")
    with store.transaction() as transaction:
        differing = {"A-001": AgreedRow((*MANY[1][:-1], None), 2, None, "2026", None), "A-009": None}
        baseline = transaction.new_baseline()
        saved, counts = baseline.save(differing=differing, ordinals=[("A-000", 1), ("A-001", 2)], header=header)
        for plan in ("p-2", "p-1", "p-2"):
            transaction.records().save(record._replace(plan_id=plan))
        transaction.commit()
    with store.snapshot() as view:
        found = view.agreement()
        told = [saved._replace(queue_id=""), counts, found.baseline()._replace(queue_id=""), found.counts()]
        told += [found.rows(["A-000", "A-001", "A-009"]), list(found.every_row()), found.plans(9), found.interrupted()]
        told += [
            found.updated_at(["A-000"]),
            found.newest_event_id(),
            found.newest_event_id("2026"),
            found.content_digest(),
        ]
        return [*told, found.above(["A-001", "A-000"])]
