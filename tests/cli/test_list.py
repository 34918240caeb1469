"""`list`: arguments in, exit code and bytes out, on both stores."""

from __future__ import annotations

import csv
import io
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from builders import digest, execute, item, make_database, make_markdown, make_old_database
from conftest import NOW_S
from database_kinds import every_database
from jsonschema import Draft202012Validator

from ops_checks.cli.commands.schema import SCHEMAS
from ops_checks.cli.item_table import cut, table_lines
from ops_checks.presentation.widths import display_width
from ops_checks.stores.details import COLUMNS, Details

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [
    item("ORCH-101", "PENDING", "P1", task="한국어 | task", notes=f"a | retry_not_before={NOW_S + 180}"),
    item("ORCH-102", "IN_PROGRESS", "P2", owner_session="s1", started_at_kst="2026-01-01 10:00"),
    item("ORCH-103", "FAILED", "P0", owner_session="s2", started_at_kst="2026-01-01 23:50"),
    item("ORCH-99", "DONE", "P1"),
]
MORE = {
    "ORCH-102": {"lease_owner": "s1", "lease_expires_at": NOW_S + 600},
    "ORCH-103": {"last_error": "no space\nleft", "updated_at": "2026-01-01 23:55"},
}


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with the same items in `Q.md` and `q.db`."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, MORE)
    return folder


MD = """\
ID        STATUS       P   OWNER  AGE  LEASE  RETRY  TASK           ERROR
ORCH-101  PENDING      P1  -      -    -      in 3m  한국어 | task  -
ORCH-102  IN_PROGRESS  P2  s1     14h  -      -      task           -
ORCH-103  FAILED       P0  s2     10m  -      -      task           -
ORCH-99   DONE         P1  -      -    -      -      task           -
"""
DB = """\
ID        STATUS       P   OWNER  AGE  LEASE  RETRY  TASK           ERROR
ORCH-101  PENDING      P1  -      24h  -      in 3m  한국어 | task  -
ORCH-102  IN_PROGRESS  P2  s1     14h  10m    -      task           -
ORCH-103  FAILED       P0  s2     10m  -      -      task           no space\\nleft
ORCH-99   DONE         P1  -      24h  -      -      task           -
"""
FAILED = """\
ID        STATUS  P   OWNER  AGE  LEASE  RETRY  TASK  ERROR
ORCH-103  FAILED  P0  s2     10m  -      -      task  -
"""
TIME = "90s, 15m, 2h, 7d, HH:MM (the last one), YYYY-MM-DD or 'YYYY-MM-DD HH:MM'"


@every_database
@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("--queue Q.md list", 0, MD, ""),
        ("--db q.db list", 0, DB, ""),
        ("list --db q.db --lock-timeout 1", 0, DB, ""),
        ("--queue Q.md list --status FAILED", 0, FAILED, ""),
        ("--queue Q.md list --status=failed", 0, FAILED, ""),
        ("--queue Q.md list --status DONE,FAILED --priority P0", 0, FAILED, ""),
        ("--queue Q.md list --since 10m -n 1", 0, FAILED, ""),
        ("--queue Q.md list --sort priority -n 1", 0, FAILED, "note: -n: 1 of 4 items are shown\n"),
        ("--db q.db list --search 'NO SPACE' -f ids", 0, "ORCH-103\n", ""),
        ("--db q.db list --stale -f ids", 0, "ORCH-102\n", ""),
        ("--db q.db list --id 'ORCH-10?' --id ORCH-99 -f ids", 0, "ORCH-101\nORCH-102\nORCH-103\nORCH-99\n", ""),
        ("--db q.db list --since 23:55 -f ids", 0, "ORCH-103\n", ""),
        ("--db q.db list --until '2026-01-01 00:00' -f ids", 0, "ORCH-101\nORCH-102\nORCH-99\n", ""),
        ("--db q.db list --owner - -f ids --sort id", 0, "ORCH-99\nORCH-101\n", ""),
        ("--queue Q.md list --owner nobody", 0, "items: none\n", ""),
        ("--queue Q.md list --owner nobody -f ids", 0, "", ""),
        ("--queue Q.md list --owner nobody -f jsonl", 0, "", ""),
        ("--queue Q.md list --id X*", 5, "", "error: Q.md: no item X*: see the ids in `ops-checks list -f ids`\n"),
        (
            "--db q.db list --id ORCH-99 --id OPS --id ORCH-1 --status DONE",
            5,
            "",
            "error: q.db: no item OPS, ORCH-1: see the ids in `ops-checks list -f ids`; did you mean ORCH-101?\n",
        ),
        (
            "--queue Q.md list --status FALED",
            4,
            "",
            "error: --status 'FALED': expected some of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE; "
            "did you mean FAILED?\n",
        ),
        (
            "--queue Q.md list --status 'DONE,'",
            4,
            "",
            "error: --status '': expected some of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE\n",
        ),
        ("--queue Q.md list --priority P3", 4, "", "error: --priority 'P3': expected some of P0, P1, P2\n"),
        ("--queue Q.md list --since now", 4, "", f"error: --since 'now': expected {TIME}\n"),
        (
            "--queue Q.md list --since 2026-01-03",
            4,
            "",
            "error: --since '2026-01-03': lies in the future: nothing can have changed since then\n",
        ),
        (
            "--queue Q.md list --since 1h --until 2h",
            4,
            "",
            "error: --since '1h' is later than --until '2h': nothing lies between\n",
        ),
        ("--queue Q.md list -n 0", 4, "", "error: -n '0': expected a whole number from 1; leave it out for all\n"),
        ("--queue none.md list", 3, "", None),
    ],
)
def test_list(run: Run, queues: Path, line: str, code: int, out: str, err: str | None) -> None:
    """The items that were asked for, or why not; nothing is written."""
    before = digest(queues)
    told = run(*shlex.split(line))
    assert (told.code, told.out) == (code, out)
    assert err is None or told.err == err
    assert digest(queues) == before


@pytest.mark.parametrize("option", ["--id", "--status", "--priority", "--owner", "--since", "--until", "--search"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_never_everything(run: Run, queues: Path, option: str, value: str) -> None:
    """Nothing selects nothing: a usage error that names the option."""
    told = run("--queue", "Q.md", "list", option, value)
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith(f"error: {option}")


@every_database
def test_as_they_were_added(run: Run, folder: Path) -> None:
    """A document and a file keep the order of their rows; a server keeps none, and lists by the bytes of the ids."""
    make_database(folder / "q.db", [item("B-2"), item("B-10"), item("A-1")])
    make_markdown(folder / "Q.md", [item("B-2"), item("B-10"), item("A-1")])
    on_server = not (folder / "q.db").exists()
    added = "B-2\nB-10\nA-1\n"
    assert run("--queue", "Q.md", "list", "-f", "ids").out == added
    assert run("--db", "q.db", "list", "-f", "ids").out == ("A-1\nB-10\nB-2\n" if on_server else added)
    assert run("--db", "q.db", "list", "-f", "ids", "--sort", "id").out == "A-1\nB-2\nB-10\n"


@every_database
def test_both_queues_are_there(run: Run, queues: Path) -> None:
    """Which one was read is noted, as `status` does."""
    told = run("--queue", "Q.md", "--db", "q.db", "list", "-n", "1", "-f", "ids")
    assert told.err == "note: q.db was read, Q.md was not\nnote: -n: 1 of 4 items are shown\n"


@every_database
def test_json_is_published(run: Run, queues: Path) -> None:
    """JSON holds to the schema, whole, on both stores; a line of `jsonl` is one of its items."""
    validator = Draft202012Validator(json.loads(SCHEMAS["list"]()))
    for queue in (["--queue", "Q.md"], ["--db", "q.db"]):
        data = json.loads(run(*queue, "list", "-f", "json").out)
        validator.validate(data)
        assert [each["id"] for each in data["items"]] == [each.id for each in ITEMS]
        assert data["total"] == 4
        lines = run(*queue, "list", "-f", "jsonl").out.splitlines()
        assert list(map(json.loads, lines)) == data["items"]
    assert data["items"][1] | {"age_s": 0} == {
        "id": "ORCH-102", "status": "IN_PROGRESS", "priority": "P2", "task": "task", "success_criteria": "done",
        "owner_session": "s1", "started_at_kst": "2026-01-01 10:00", "due_at_kst": "-", "notes": "",
        "lease_owner": "s1", "lease_expires_at": NOW_S + 600, "attempt_count": 0, "max_attempts": 3,
        "created_at": "2026-01-01 00:00", "updated_at": "2026-01-01 00:00", "last_error": "", "number": 2,
        "started_s": 1_767_229_200, "due_s": None, "age_s": 0, "lease_left_s": 600, "retry_not_before": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("-", "-"),
        ('say "hi", twice', 'say "hi", twice'),
        ("a=b", "a=b"),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_csv_is_text_to_a_spreadsheet(run: Run, folder: Path, cell: str, shown: str) -> None:
    """Every reader of RFC 4180 reads the cells back, and none of them is a formula."""
    make_database(folder / "q.db", [item("A-1", task=cell)])
    told = run("--db", "q.db", "list", "-f", "csv")
    (record,) = csv.DictReader(io.StringIO(told.out, newline=""), strict=True)
    assert (told.code, record["task"], record["id"]) == (0, shown, "A-1")


@pytest.mark.parametrize("item_id", ["A 1", "-x", "a'b", 'a"b', "a\\b", "a\u202eb", "a\u00a0b"])
def test_an_id_that_xargs_would_take_for_others_is_left_out(run: Run, folder: Path, item_id: str) -> None:
    """The others are printed; it is named, and the exit code says so."""
    make_database(folder / "q.db", [item("A-1"), item(item_id), item("A-2")])
    told = run("--db", "q.db", "list", "-f", "ids")
    assert (told.code, told.out) == (5, "A-1\nA-2\n")
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1


@every_database
def test_the_policy_says_when_work_is_stale(run: Run, queues: Path) -> None:
    """The limit is the gate's, whatever else the policy says."""
    (queues / "ops-checks.yaml").write_text("kpi:\n  stale_minutes: 841\n")
    assert run("--db", "q.db", "list", "--stale", "-f", "ids") == (0, "", "")
    (queues / "ops-checks.yaml").write_text("kpi:\n  stale_minutes: 839\n")
    assert run("--db", "q.db", "list", "--stale", "-f", "ids") == (0, "ORCH-102\n", "")


@every_database
def test_an_older_database_is_read(run: Run, folder: Path) -> None:
    """Without the columns of leases and errors there are none."""
    make_old_database(folder / "q.db", ITEMS)
    told = run("--db", "q.db", "list", "--id", "ORCH-102")
    assert (told.code, told.out.splitlines()[1]) == (0, "ORCH-102  IN_PROGRESS  P2  s1     14h  -      -      task  -")


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("lease_expires_at", "9e999", "unknown"),
        ("lease_expires_at", "'soon'", "unknown"),
        ("lease_expires_at", "x'00ff'", "unknown"),
        ("lease_expires_at", f"{NOW_S - 1}", "ended"),
        ("last_error", "CAST(x'ff41' AS TEXT)", "\\xffA"),
        ("last_error", "x'ff'", "X'FF'"),
        ("attempt_count", "-9e999", ""),
    ],
)
def test_whatever_a_database_holds(run: Run, queues: Path, column: str, value: str, shown: str) -> None:
    """Values of other types are shown, and JSON of them holds to the schema."""
    execute("q.db", f"UPDATE queue_items SET {column} = {value} WHERE id = 'ORCH-102'")
    assert shown in run("--db", "q.db", "list", "--id", "ORCH-102").out
    told = run("--db", "q.db", "list", "-f", "json")
    Draft202012Validator(json.loads(SCHEMAS["list"]())).validate(json.loads(told.out))


def row(**cells: str) -> Details:
    """Return an item for a table."""
    return Details((1, item("ORCH-1", "IN_PROGRESS", **cells), *[None] * len(COLUMNS)))


@pytest.mark.parametrize("columns", [1, 2, 5, 20, 40, 60, 80, 200])
def test_lines_fit_the_terminal(columns: int) -> None:
    """However narrow it is, and however wide the characters, no line is wider; a wide one shows all."""
    rows = [row(task="한국어 " * 9, owner_session="담당:" * 5), row(task="x" * 99), row(task="e\u0301" * 99)]
    lines = list(table_lines(rows, now_s=NOW_S, zone=540, columns=columns))
    assert len(lines) == 4
    assert all(display_width(line) <= columns for line in lines)
    assert columns < 200 or "x" * 99 in lines[2]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("한국", 4, "한국"),
        ("한국어", 4, "한…"),
        ("한국어", 1, "…"),
        ("a", 0, ""),
    ],
)
def test_cut(text: str, columns: int, shown: str) -> None:
    """A text is cut between characters, and says so."""
    assert cut(text, columns) == shown


def test_a_million_matches_are_not_held_where_few_are_asked_for() -> None:
    """With `-n` no more than that and a little are kept."""
    from ops_checks.selection import Selector, orders, select

    def many() -> Any:
        for number in range(20_000):
            yield Details((number, item(f"A-{number}"), *[None] * len(COLUMNS)))

    found = select(many(), Selector(now_s=NOW_S, zone=0), order=orders(0)["id"], most=3)
    assert [each.item.id for each in found.rows] == ["A-0", "A-1", "A-2"]
    assert found.total == 20_000
