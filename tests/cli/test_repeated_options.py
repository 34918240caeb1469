"""No option that is given twice is dropped in silence (FORMATS section 5): it is repeatable, or a usage error."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown, select

from ops_checks.cli.command import command_names
from ops_checks.cli.parser import build_parser, parse
from ops_checks.cli.quick_parser import plain_arguments
from ops_checks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

#: The options that may be given several times, each time with a meaning of its own; `--format` not where one is chosen.
REPEATABLE = {"--id", "--only", "--log-path", "--format", "--prefer", "--rekey", "--for", "--for-status"}
REPEATABLE |= {"--status", "--priority", "--owner", "--history"}
#: Two values of every kind of option.
VALUES = {
    "PATH": ("a", "b"), "SECONDS": ("1", "2"), "NAMES": ("status", "notes"), "N": ("1", "2"), "MS": ("1", "2"),
    "RATE": ("0.1", "0.2"), "MINUTES": ("1", "2"), "TEXT": ("x", "y"), "NAME": ("x", "y"), "ID": ("A-1", "A-2"),
    "NAME[=FILE]": ("text", "json=b"), "[ID[.UNIT]=]SIDE": ("A-1=md", "A-2=db"), "ID=NEW": ("A-1=B-1", "A-2=B-2"),
    "STATUS": ("DONE", "FAILED"), "P": ("P0", "P1"),
    "WHAT": ("DONE", "consistent"), "STATUS=N": ("FAILED=0", "PENDING=1"), "TIME": ("90s", "15m"), "SPAN": ("1h", "2h"),
    "ID|FILE": ("a", "b"), "FILE": ("a", "b"), "BASE": ("db", "git:HEAD"),
    "NAME[=TARGET]": ("local", "spark"), "METRIC": ("failure_rate", "pending"),
    "WITH": ("previous", "last-week"),
}  # fmt: skip
#: What a command needs besides.
NEEDED = {
    "cancel": ["--id", "A-1"], "retry": ["--id", "A-1"], "replan": ["--id", "A-1", "--notes", "n"],
    "show": ["A-1"], "report": ["r.json"], "schema": ["report"], "policy": ["check"], "history": ["show"],
    "completion": ["zsh"], "snapshot": ["--output", "s.json"], "reconcile": ["plan"], "reconcile apply": ["plan.json"],
}  # fmt: skip


def options() -> Iterator[tuple[str, argparse.Action]]:
    """Yield every option that takes one of several values, with its command, or the step of one."""
    yield from _options("", build_parser(["--help"]))


def _options(words: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from _options(f"{words} {name}".strip(), below)
        elif words and action.option_strings and action.nargs != 0 and len(list(action.choices or "12")) > 1:
            yield words, action


OPTIONS = list(options())


def needed(command: str, option: str) -> list[str]:
    """Return what a command cannot do without, but for one option."""
    words = NEEDED.get(command, [])
    return words if option not in words else [*words[: words.index(option)], *words[words.index(option) + 2 :]]


def test_every_command_is_walked() -> None:
    """None is left out, and those that may be repeated are all there."""
    assert {command.split()[0] for command, _ in OPTIONS} == set(command_names())
    assert {action.option_strings[-1] for _, action in OPTIONS} >= REPEATABLE


@pytest.mark.parametrize(("command", "action"), OPTIONS, ids=[f"{n} {a.option_strings[-1]}" for n, a in OPTIONS])
def test_no_option_is_dropped(command: str, action: argparse.Action) -> None:
    """Two values are both kept where that has a meaning, else refused, wherever they stand; one value twice is one."""
    option = action.option_strings[-1]
    first, second = list(action.choices or VALUES[str(action.metavar)])[:2]
    words, rest = command.split(), needed(command, option)

    def ways(one: str, other: str) -> Iterator[list[str]]:
        yield [*words, *rest, option, one, f"{option}={other}"]
        yield [*words, option, one, *rest, option, other]
        if option in {"--queue", "--db", "--policy", "--lock-timeout"}:
            yield [option, one, *words, *rest, option, other]
            yield [option, one, option, other, *words, *rest]

    for argv, same in zip(ways(first, second), ways(first, first), strict=True):
        if option in REPEATABLE and isinstance(action, argparse._AppendAction):
            assert len(getattr(parse(argv), action.dest)) == 2
            continue
        with pytest.raises(UsageError, match=f"argument .*{option}: given twice, as .* and as .*: give it once"):
            parse(argv)
        assert plain_arguments(argv) is None
        assert getattr(parse(same), action.dest) == getattr(parse([*words, *rest, option, first]), action.dest)


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with three items in `Q.md` and `q.db`, the second one terminal."""
    items = [item("A-1", "IN_PROGRESS"), item("A-2", "DONE"), item("A-3")]
    make_markdown(folder / "Q.md", items)
    make_database(folder / "q.db", items)
    return folder


@pytest.mark.parametrize("queue", ["--queue Q.md", "--db q.db"])
@pytest.mark.parametrize(
    ("command", "code", "out", "errors"),
    [
        ("cancel --id A-1 --id A-3", 0, "A-1 -> BLOCKED\nA-3 -> BLOCKED\n", []),
        ("cancel --id A-3 --id A-1 --id A-3", 0, "A-3 -> BLOCKED\nA-1 -> BLOCKED\n", []),
        ("cancel --id A-1 --id ' A-1'", 0, "A-1 -> BLOCKED\n", []),
        ("cancel --id A-1 --id A-2 --id A-3", 5, "A-1 -> BLOCKED\nA-3 -> BLOCKED\n", ["A-2: is DONE"]),
        ("cancel --id B-1 --id A-2 --id A-3", 5, "A-3 -> BLOCKED\n", ["no item B-1", "A-2: is DONE"]),
        ("cancel --id B-1 --id B-2", 5, "", ["no item B-1", "no item B-2"]),
        ("replan --id A-2 --id A-1 --notes n", 0, "A-2 -> PENDING\nA-1 -> BLOCKED\n", []),
        (
            "replan --id A-2 --id A-1 --notes n --dry-run",
            0,
            "A-2 -> PENDING\n- status: DONE -> PENDING\n- notes: - -> replan:n\n"
            "A-1 -> BLOCKED\n- status: IN_PROGRESS -> BLOCKED\n- notes: - -> replan:n\n",
            [],
        ),
    ],
)
def test_each_item_is_worked_on(
    run: Run, queues: Path, queue: str, command: str, code: int, out: str, errors: list[str]
) -> None:
    """One line for an item, in the order given; the exit code says that one was refused, and stderr which."""
    before = digest(queues)
    told = run(*queue.split(), *shlex.split(command))
    assert (told.code, told.out) == (code, out)
    found = [line for line in told.err.splitlines() if line.startswith("error: ")]
    assert [error in line for error, line in zip(errors, found, strict=True)] == [True] * len(errors)
    made = 0 if "--dry-run" in command else out.count("\n")
    assert (digest(queues) == before) is (made == 0)
    if queue == "--db q.db":
        assert select("q.db", "SELECT count(*) FROM queue_events") == [(made,)]


def test_a_failure_among_several_is_exit_code_3(run: Run, queues: Path) -> None:
    """What could not be carried out comes before what was refused, and stops no other item either."""
    execute(queues / "q.db", "UPDATE queue_items SET notes = x'00' WHERE id = 'A-1'")
    told = run("--db", "q.db", "cancel", "--id", "A-2", "--id", "A-1", "--id", "A-3")
    assert (told.code, told.out) == (3, "A-3 -> BLOCKED\n")
    assert told.err.count("error: ") == 2


def test_what_was_made_is_told_when_a_person_interrupts(
    run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C between items one sees which were changed, and which were not begun."""
    from ops_checks.stores.sqlite.store import SqliteStore

    change = SqliteStore.change

    def interrupted(store, item_id, decide):
        if item_id == "A-3":
            raise KeyboardInterrupt
        return change(store, item_id, decide)

    monkeypatch.setattr(SqliteStore, "change", interrupted)
    told = run("--db", "q.db", "replan", "--notes", "n", "--id", "A-1", "--id", "A-3", "--id", "A-2")
    assert (told.code, told.out) == (130, "A-1 -> BLOCKED\n")
    assert told.err == "error: interrupted at A-3: look at it; not begun: A-2\n"


CHECK = ["check", "--queue", "Q.md", "--db", "q.db", "-f", "health"]


def test_both_groups_are_checked(run: Run, queues: Path) -> None:
    """`--only` twice asks for both groups; for one of them twice, once."""
    both = run(*CHECK, "--only", "kpi", "--only", "consistency")
    once = run(*CHECK, "--only", "kpi", "--only", "kpi")
    assert both == run(*CHECK)
    assert once == run(*CHECK, "--only", "kpi")
