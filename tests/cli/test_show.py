"""`show`: everything about an item, on both stores, with what cannot be read told and not fatal."""

from __future__ import annotations

import gzip
import json
import shlex
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown, make_old_database
from conftest import NOW_S
from database_kinds import every_database
from jsonschema import Draft202012Validator

from ops_checks.cli.commands.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

RUNNING = {"owner_session": "s1", "started_at_kst": "2026-01-01 10:00"}
ITEMS = [
    item("ORCH-101", "PENDING", "P1", task="한국어 | task", notes="a | b"),
    item("ORCH-102", "IN_PROGRESS", "P2", **RUNNING),
    item("ORCH-103", "FAILED", "P0", owner_session="s2"),
]
MORE = {
    "ORCH-102": {"lease_owner": "s1", "lease_expires_at": NOW_S + 600, "attempt_count": 1},
    "ORCH-103": {"last_error": "no space\nleft", "attempt_count": 3},
}


def run_end(item_id: str, command: str = "fail", **more: object) -> str:
    """Return a line of a run log."""
    return json.dumps(
        {"event": "run_end", "command": command, "exit_code": 0, "duration_ms": 12.5, "item_id": item_id} | more
    )


@pytest.fixture
def queues(folder: Path, database_kind: InFile) -> Path:
    """Return a folder with the same items on both sides, events, a run log, and a policy that names them."""
    make_markdown(folder / "QUEUE.md", ITEMS)
    make_database(folder / "queue.db", ITEMS, MORE)
    payloads = ['{"actor": "kim", "status": "PENDING"}', '{"from": "IN_PROGRESS", "to": "FAILED", "error": "disk"}']
    payloads += ["[", '{"actor": 7, "notes": "::error::x"}']
    for at, payload in enumerate(payloads):
        execute(
            "queue.db",
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) "
            f"VALUES ('ORCH-103', 'e{at}', '{payload}', '2026-01-01 0{at}:00')",
        )
    log = [
        run_end("ORCH-103", trace_id="trace-1", ts_epoch_ms=(NOW_S - 60) * 1000, exit_code=1, error="disk full"),
        "{torn",
        run_end("ORCH-1033"),
        run_end("ORCH-103", "done").replace("ORCH", "\\u004fRCH"),
        '{"event": "run_start", "item_id": "ORCH-103"}',
        run_end("ORCH-103", note="unfinished")[:-5],
    ]
    (folder / "runs.jsonl").write_text("\n".join(log))
    (folder / "ops-checks.yaml").write_text(
        f"queue: QUEUE.md\ndb: {database_kind.there('queue.db')}\nlog: runs.jsonl\n"
    )
    return folder


FAILED = """\
ORCH-103 FAILED P0
  task: task
  criteria: done
  owner: s2
  started: - (age {age})
  due: -
  notes: -
  lease: none
  attempts: 3 of 3
  last error: no space\\nleft
  document: QUEUE.md:9
  database: queue.db, updated 2026-01-01 00:00
  sides: agree
  history:
    2026-01-01 00:00 e0 by kim ? -> PENDING
    2026-01-01 01:00 e1 IN_PROGRESS -> FAILED: disk
    2026-01-01 02:00 e2
    2026-01-01 03:00 e3: ::error::x
  runs:
    2026-01-01 23:59 fail trace-1 12.5 ms exit 1 runs.jsonl:1: disk full
    - done - 12.5 ms exit 0 runs.jsonl:4
  next:
    cancel: no: is FAILED: only an item that is not terminal can be cancelled
    replan: -> PENDING
    retry: {retry}
"""
USED_UP = "no: 3 of 3 attempts are used up: replan it, which makes it PENDING"


@every_database
@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("show ORCH-103", 0, FAILED.format(age="-", retry="-> PENDING"), ""),
        ("--db queue.db show ORCH-103", 0, FAILED.format(age="24h", retry=USED_UP), ""),
        ("show ORCH-103 ' ORCH-103'", 0, FAILED.format(age="-", retry="-> PENDING"), ""),
        (
            "show ORCH-1031 --lock-timeout 1",
            5,
            "",
            "error: QUEUE.md: no item ORCH-1031: see the ids in `ops-checks list -f ids`; did you mean ORCH-103?\n",
        ),
        (
            "--db queue.db show orch-103 ORCH-103",
            5,
            FAILED.format(age="24h", retry=USED_UP),
            "error: queue.db: no item orch-103: see the ids in `ops-checks list -f ids`; did you mean ORCH-103?\n",
        ),
        ("show X", 5, "", "error: QUEUE.md: no item X: see the ids in `ops-checks list -f ids`\n"),
        ("show ''", 4, "", "error: show: expected an id such as ORCH-013, found nothing\n"),
        ("show", 4, "", None),
        ("--queue none.md show ORCH-103", 3, "", None),
    ],
)
def test_show(run: Run, queues: Path, line: str, code: int, out: str, err: str | None) -> None:
    """One screen an item, or why not; nothing is written."""
    before = digest(queues)
    told = run(*shlex.split(line))
    assert (told.code, told.out) == (code, out)
    assert err is None or told.err == err
    assert digest(queues) == before


def lines_of(told: Told, key: str) -> list[str]:
    """Return the line of a key, and those below it."""
    lines = told.out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"  {key}:"))
    below = next((at for at in range(start + 1, len(lines)) if not lines[at].startswith("    ")), len(lines))
    return lines[start:below]


@every_database
@pytest.mark.parametrize(
    ("lease", "line"),
    [
        ("'s1', 1767280200", "  lease: held by s1, left 10m"),
        ("'s1', 1767279599", "  lease: was held by s1, ended"),
        ("'s1', NULL", "  lease: held by s1, unknown"),
        ("NULL, NULL", "  lease: none"),
    ],
)
def test_the_lease(run: Run, queues: Path, lease: str, line: str) -> None:
    """Who holds an item and for how long, or that nobody can tell."""
    execute("queue.db", f"UPDATE queue_items SET (lease_owner, lease_expires_at) = ({lease}) WHERE id = 'ORCH-102'")
    assert lines_of(run("show", "ORCH-102"), "lease") == [line]


def test_a_lease_that_ends_at_no_time(run: Run, queues: Path) -> None:
    """A file takes any text there."""
    execute("queue.db", "UPDATE queue_items SET lease_owner = NULL, lease_expires_at = 'soon' WHERE id = 'ORCH-102'")
    assert lines_of(run("show", "ORCH-102"), "lease") == ["  lease: held by -, unknown"]


@every_database
@pytest.mark.parametrize(
    ("status", "cancel", "replan", "retry"),
    [
        ("PENDING", "-> BLOCKED", "-> PENDING", "no: is PENDING: only FAILED and BLOCKED items can be retried"),
        ("IN_PROGRESS", "-> BLOCKED", "-> BLOCKED", "no: is IN_PROGRESS: only FAILED and BLOCKED items can be retried"),
        ("BLOCKED", "-> BLOCKED", "-> PENDING", "-> PENDING"),
        (
            "DONE",
            "no: is DONE: only an item that is not terminal can be cancelled",
            "-> PENDING",
            "no: is DONE: only FAILED and BLOCKED items can be retried",
        ),
    ],
)
def test_what_can_be_done_is_what_the_commands_do(
    run: Run, folder: Path, status: str, cancel: str, replan: str, retry: str
) -> None:
    """Each command then does, or refuses, what was said."""
    make_markdown(folder / "Q.md", [item("A-1", status)])
    said = lines_of(run("--queue", "Q.md", "show", "A-1"), "next")
    assert said == ["  next:", f"    cancel: {cancel}", f"    replan: {replan}", f"    retry: {retry}"]
    for command, what in (("cancel", cancel), ("replan --notes x", replan), ("retry", retry)):
        told = run("--queue", "Q.md", *command.split(), "--id", "A-1", "--dry-run")
        assert told.code == (0 if what.startswith("->") else 5)
        assert told.out.startswith(f"A-1 {what}\n") if told.code == 0 else what.removeprefix("no: ") in told.err


@every_database
def test_a_queue_that_may_only_be_read_says_so(run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command is said to be possible that would be refused."""
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    said = lines_of(run("show", "ORCH-102"), "next")
    assert len(said) == 4
    assert all("no: QUEUE.md: read-only by ORCH_QUEUE_MD_READ_ONLY" in line for line in said[1:])


@every_database
def test_both_sides(run: Run, queues: Path) -> None:
    """Where commands change both queues, what is said is what they would do with both."""
    with (queues / "ops-checks.yaml").open("a") as policy:
        policy.write("operate_on: both\n")
    assert lines_of(run("show", "ORCH-103"), "next")[-1] == f"    retry: {USED_UP}"
    execute("queue.db", "DELETE FROM queue_items WHERE id = 'ORCH-102'")
    assert all(": no: " in line for line in lines_of(run("show", "ORCH-102"), "next")[1:])


@every_database
def test_who_moved(run: Run, queues: Path) -> None:
    """With a baseline it is told which side moved and who moved it; without, that there is none."""
    execute("queue.db", "UPDATE queue_items SET status = 'DONE' WHERE id = 'ORCH-102'")
    differ, why = lines_of(run("show", "ORCH-102"), "sides")
    assert differ == "  sides: differ in claim"
    assert why.startswith("    no baseline: `ops-checks baseline` records what is equal; ")
    execute("queue.db", "UPDATE queue_items SET status = 'IN_PROGRESS' WHERE id = 'ORCH-102'")
    assert run("baseline").code == 0
    execute("queue.db", "UPDATE queue_items SET status = 'DONE' WHERE id = 'ORCH-102'")
    execute(
        "queue.db",
        "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) "
        """VALUES ('ORCH-102', 'done', '{"actor": "s1"}', '2026-01-01 23:00')""",
    )
    assert lines_of(run("show", "ORCH-102"), "sides") == [
        "  sides: differ in claim",
        "    - to_md ORCH-102 claim IN_PROGRESS -> DONE",
        "        db: done by s1, 2026-01-01 23:00 (event 5)",
    ]


@every_database
def test_an_item_of_one_side(run: Run, queues: Path) -> None:
    """What stands on the other side only is shown too, and where it does not stand."""
    execute("queue.db", "DELETE FROM queue_items WHERE id = 'ORCH-102'")
    told = run("--db", "queue.db", "show", "ORCH-102")
    assert told.code == 0
    assert lines_of(told, "document") == ["  document: QUEUE.md:8"]
    assert lines_of(told, "database") == ["  database: queue.db: no such item"]
    assert lines_of(told, "next")[1] == "    cancel: no: queue.db: no item ORCH-102"


def test_an_other_side_that_cannot_be_read_is_a_line(run: Run, queues: Path) -> None:
    """The queue that is worked on is shown whatever the other one is."""
    (queues / "queue.db").write_bytes(b"not a database, but long enough to be one" * 30)
    told = run("show", "ORCH-102")
    assert (told.code, told.err) == (0, "")
    assert lines_of(told, "database")[0].startswith("  database: not read: queue.db: ")


@every_database
@pytest.mark.parametrize("name", ["none.jsonl", "runs*.gz", "."])
def test_a_log_that_cannot_be_read_is_a_line(
    run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is no error: the item is shown."""
    monkeypatch.setenv("ORCH_LOG_PATH", name)
    told = run("show", "ORCH-103")
    assert (told.code, told.err) == (0, "")
    assert lines_of(told, "runs")[0] == "  runs:"
    assert len(lines_of(told, "runs")) == 2


@every_database
def test_a_packed_log_is_read(run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation packs logs: the runs in them count."""
    (queues / "old.gz").write_bytes(gzip.compress(f"\n{run_end('ORCH-103', 'pick')}\n".encode()))
    monkeypatch.setenv("ORCH_LOG_PATH", "old.gz")
    assert lines_of(run("show", "ORCH-103"), "runs") == ["  runs:", "    - pick - 12.5 ms exit 0 old.gz:2"]


@every_database
def test_text_is_bounded_and_json_is_whole(run: Run, queues: Path) -> None:
    """A screen shows the ten newest events and runs and how many are older; JSON has all, by its schema."""
    (queues / "runs.jsonl").write_text("".join(run_end("ORCH-103", f"c{n}") + "\n" for n in range(25)))
    for number in range(20):
        execute(
            "queue.db",
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) "
            f"VALUES ('ORCH-103', 'n{number}', '{{}}', '2026-01-02 00:00')",
        )
    told = run("show", "ORCH-103")
    assert lines_of(told, "history")[1:3] == ["    … 14 older", "    2026-01-02 00:00 n10"]
    assert lines_of(told, "runs")[1:3] == ["    … 15 older", "    - c15 - 12.5 ms exit 0 runs.jsonl:16"]
    data = json.loads(run("show", "ORCH-103", "ORCH-102", "-f", "json").out)
    Draft202012Validator(json.loads(SCHEMAS["show"]())).validate(data)
    assert (len(data["items"][0]["history"]), len(data["items"][0]["runs"])) == (24, 25)
    assert data["items"][0]["next"][2] == {"command": "retry", "to": "PENDING", "reason": None}


@every_database
def test_an_older_database(run: Run, folder: Path) -> None:
    """Without the columns of leases and errors there are none, and retry says which it needs."""
    make_old_database(folder / "q.db", ITEMS)
    told = run("--db", "q.db", "show", "ORCH-103")
    assert told.code == 0
    assert lines_of(told, "attempts") == ["  attempts: - of -"]
    assert "queue_items has no column lease_owner" in lines_of(told, "next")[-1]


@pytest.mark.parametrize("payload", ["'[1]'", "x'ff'", "NULL", "5", "'" + "[" * 9000 + "'", "'{\"actor\": {}}'"])
def test_whatever_an_event_holds(run: Run, queues: Path, payload: str) -> None:
    """A payload that is none is an event without details."""
    nullable = "DROP TABLE queue_events; CREATE TABLE queue_events (event_id INTEGER PRIMARY KEY, item_id, event_type, "
    execute("queue.db", nullable + "payload_json, created_at)")
    execute("queue.db", f"INSERT INTO queue_events VALUES (1, 'ORCH-102', 'x', {payload}, '2026-01-01 00:00')")
    told = run("show", "ORCH-102")
    assert (told.code, lines_of(told, "history")) == (0, ["  history:", "    2026-01-01 00:00 x"])
    data = json.loads(run("show", "ORCH-102", "-f", "json").out)
    Draft202012Validator(json.loads(SCHEMAS["show"]())).validate(data)


def test_a_terminal_gets_wrapped_lines(run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal no line is wider than that, and the words are those of a line that is not wrapped."""
    assert queues
    whole = run("--db", "queue.db", "show", "ORCH-103", "--color", "never").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for columns in (60, 20):
        monkeypatch.setenv("COLUMNS", str(columns))
        told = run("--db", "queue.db", "show", "ORCH-103", "--color", "never")
        assert (told.code, told.out.split()) == (0, whole.split())
        assert max(map(len, told.out.splitlines())) <= columns
