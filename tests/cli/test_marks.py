"""P0 and what is stale are marked in colour, on a terminal only, and nothing else of the output changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

HOSTILE = "\x1b[32mx\x1b]52;c;x\x07\u202e"
# The clock stands at 2026-01-02 00:00.
ITEMS = [
    item("A-1", "IN_PROGRESS", "P0", owner_session=HOSTILE, started_at_kst="2026-01-01 10:00", task=HOSTILE),
    item("A-2", "IN_PROGRESS", "P1", owner_session="s1", started_at_kst="2026-01-01 23:30"),
    item("A-3", "IN_PROGRESS", "P2", owner_session="s2", started_at_kst="-"),
    item("A-4", "PENDING", "P0", started_at_kst="2026-01-01 10:00"),
]
RED, YELLOW, END = "\x1b[1;31m", "\x1b[33m", "\x1b[0m"
COMMANDS = [["status"], ["workers"], ["list"], ["show", "A-1", "A-2", "A-3", "A-4"]]


@pytest.fixture
def queues(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the same items in `Q.md` and `q.db`, where nothing is said about colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    return folder


@pytest.mark.parametrize("store", [("--queue", "Q.md"), ("--db", "q.db")])
@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [None, 200, 60, 30, 10])
def test_only_colours_are_added(
    queues: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    store: tuple[str, str],
    argv: list[str],
    columns: int | None,
) -> None:
    """Without its colours the output is that of a pipe or of a terminal without colours; no text brings its own."""
    assert queues
    if columns:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))
    plain = run(*argv, *store, "--color", "never")
    told = run(*argv, *store, "--color", "always")
    assert (plain.code, plain.out.replace("\n", "").isprintable()) == (0, True)
    assert set(re.findall(r"\x1b\[[0-9;]*m", told.out)) <= {RED, YELLOW, END}
    shown = re.sub(r"\x1b\[[0-9;]*m", "", told.out)
    assert shown == plain.out or (argv[0] == "show" and columns)
    assert shown.split() == plain.out.split()


@pytest.mark.parametrize(
    ("argv", "marked"),
    [
        (
            ["status"],
            [f"A-1 ({RED}P0{END}) owner=", f"ed={YELLOW}2026-01-01 10:00{END}", f"ed={YELLOW}-{END}"],
        ),
        (["workers"], [f" {RED}p0=1{END} p1=0", f"oldest_start={YELLOW}2026-01-01 10:00{END}"]),
        (["list"], [f"  {RED}P0{END}  ", f"  {YELLOW}14h{END}  ", f"A-4  PENDING      {RED}P0{END}"]),
        (["show", "A-1"], [f"A-1 IN_PROGRESS {RED}P0{END}\n", f"  started: {YELLOW}2026-01-01 10:00 (age 14h){END}\n"]),
    ],
)
def test_what_is_marked(queues: Path, run: Run, argv: list[str], marked: list[str]) -> None:
    """The highest priority is red, the start or age of stale work yellow, and of no other."""
    assert queues
    told = run(*argv, "--queue", "Q.md", "--color", "always")
    assert all(each in told.out for each in marked)
    assert f"{YELLOW}2026-01-01 23:30" not in told.out
    assert told.out.count(RED) == (2 if argv == ["list"] else 1)


@pytest.mark.parametrize(
    ("environ", "terminal", "option", "on"),
    [
        ({}, False, [], False),
        ({}, True, [], True),
        ({"NO_COLOR": "1"}, True, [], False),
        ({"FORCE_COLOR": "1"}, False, [], True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, [], False),
        ({"TERM": "dumb"}, True, [], False),
        ({"NO_COLOR": "1"}, False, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, True, ["--color=never"], False),
    ],
)
@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_when(
    queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], terminal: bool,  # noqa: FBT001
    option: list[str], on: bool, argv: list[str],  # noqa: FBT001 - as above
) -> None:  # fmt: skip
    """By --color, then NO_COLOR and FORCE_COLOR, then by what stdout is, as the checks have it."""
    assert queues
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert (RED in run(*argv, "--queue", "Q.md", *option).out) is on


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "ids"])
def test_no_other_format(queues: Path, run: Run, form: str) -> None:
    """What programs read has no colours."""
    assert queues
    assert "\x1b" not in run("list", "--queue", "Q.md", "--color", "always", "-f", form).out


@pytest.mark.parametrize(
    ("policy", "stale"),
    [
        ("kpi: {stale_minutes: 10}\n", True),
        ("kpi:\n  stale_minutes: 10  # of an hour\n", True),
        ("kpi:\n  # stale_minutes: 10\n  on_insufficient: pass\n", False),
        ("kpi:\n  stale_minutes: 0x0A\n", True),
        ("kpi: {on_insufficient: pass}\n", False),
        ("kpi: {stale_minutes: [}\n", False),
    ],
)
def test_by_the_policy(queues: Path, run: Run, policy: str, stale: bool) -> None:  # noqa: FBT001 - a column
    """What is stale is the policy's; one that cannot be parsed stops no operator, and means an hour."""
    (queues / "ops-checks.yaml").write_text(policy)
    told = run("status", "--queue", "Q.md", "--color", "always")
    assert (told.code, told.err) == (0, "")
    assert (f"{YELLOW}2026-01-01 23:30" in told.out) is stale
