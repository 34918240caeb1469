"""Completion in shells: what is offered where, from which store, and that nothing in a queue runs or writes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.cli import completion_source, completion_table
from ops_checks.cli.shell_words import can_be_typed, quoted, typed_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

BREAKS = " \t\n\"'><=;|&(:@"
ITEMS = [
    item("ORCH-1", "FAILED", task="Rotate\nthe \x1b[31mkeys", owner_session="worker:core-1"),
    item("ORCH-2", owner_session="worker:core-1"),
    item("OPS-7", "DONE"),
]
HOSTILE = [
    "two words", "it's", 'say "x"', "$(touch ran)", "`touch ran`", ";touch ran", "&touch ran", "|touch ran", ">ran",
    "a\\b", "$HOME", "~root", "#c", "{a,b}", "[ab]", "^c", "x!y", "a:b=c@d", "%F{red}", "한국 1", "(p)", "\u00a0",
]  # fmt: skip
#: No line of a shell can hold them, or ops-checks would take them for a glob or for an option.
LEFT_OUT = [
    "line\nbreak",
    "\x1b]52;c;x\x07",
    "\u202ebidi",
    "tab\tin it",
    "glob*",
    "an?",
    "-rf",
    "--all",
    "\x85",
    "\ud7ff",
]


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with the same items in `Q.md` and `q.db`, others at the default path, and hostile ids."""
    make_markdown(folder / "Q.md", ITEMS[1:])
    make_database(folder / "q.db", ITEMS)
    make_database(folder / "hostile.db", [item(item_id, task=item_id) for item_id in (*HOSTILE, *LEFT_OUT)])
    (folder / "automation/orchestrator").mkdir(parents=True)
    make_markdown(folder / "automation/orchestrator/QUEUE.md", [item("DEFAULT-1")])
    return folder


def test_the_table_is_what_the_parsers_say() -> None:
    """What is offered is derived from the commands: after a change run python -m ops_checks.cli.completion_source."""
    assert completion_source.global_options() == completion_table.GLOBALS
    assert completion_source.nodes() == completion_table.NODES
    with open(completion_table.__file__, encoding="utf-8") as file:
        assert file.read() == completion_source.source()


@pytest.mark.parametrize(
    ("line", "kind", "some", "none"),
    [
        ("", "words", ["cancel", "consistency-check", "completion"], ["--queue", "__complete"]),
        ("can", "words", ["cancel"], ["check"]),
        ("-", "words", ["--queue", "--db", "--version", "--help"], ["--id"]),
        ("--queue ", "files", [], []),
        ("--db=Q", "files", [], []),
        ("--queue Q.md cancel ", "words", ["--id", "--dry-run", "--actor"], ["--queue"]),
        ("cancel --dry-run --d", "words", ["--db"], ["--dry-run"]),
        ("cancel --id A --i", "words", ["--id"], []),
        ("kpi --max-", "words", ["--max-failure-rate", "--max-latency-p95-ms"], []),
        ("check --only ", "words", ["consistency", "kpi", "history"], []),
        ("check -f ", "words", ["json", "sarif", "junit"], []),
        ("check -f json -f json=rep", "files", [], []),
        ("check --color=a", "words", ["--color=auto", "--color=always"], ["--color=never"]),
        ("list --status ", "words", ["PENDING", "IN_PROGRESS"], []),
        ("list --status DONE,F", "words", ["DONE,FAILED"], []),
        ("list --status DONE,", "words", ["DONE,FAILED"], ["DONE,DONE"]),
        ("list --priority P", "words", ["P0", "P1", "P2"], []),
        ("list --sort ", "words", ["added", "changed"], []),
        ("list -f ", "words", ["ids", "csv"], ["sarif"]),
        ("consistency-check --fields task,n", "words", ["task,notes"], []),
        ("help ", "words", ["gate", "policy"], []),
        ("schema ", "words", ["report", "list"], []),
        ("baseline ", "words", ["record", "export"], []),
        ("baseline export ", "files", [], []),
        ("reconcile ", "words", ["plan", "apply", "resume"], []),
        ("reconcile plan --pre", "words", ["--prefer"], []),
        ("reconcile apply ", "files", [], []),
        ("drift --prefer ", "words", ["md", "db"], []),
        ("wait --for ", "words", ["DONE", "consistent"], []),
        ("wait --for-status ", "nospace", ["FAILED="], []),
        ("completion ", "words", ["bash", "fish", "zsh"], []),
        ("status x", "words", [], ["--help"]),
        ("frobnicate ", "words", [], []),
        ("cancel --notes ", "words", [], ["--id"]),
        ("cancel --id ", "words", ["DEFAULT-1"], ["ORCH-1"]),
        ("cancel --id --db q.db", "words", [], []),
        ("--queue Q.md cancel --id ", "words", ["ORCH-2", "OPS-7"], ["ORCH-1"]),
        ("cancel --db q.db --id ORCH", "words", ["ORCH-1", "ORCH-2"], ["OPS-7"]),
        ("cancel --db=q.db --id=O", "words", ["--id=ORCH-1", "--id=OPS-7"], []),
        ("cancel --db $PWD/q.db --id O", "words", ["ORCH-1"], []),
        ("undo --db-path q.db --id OP", "words", ["OPS-7"], []),
        ("show --db q.db ORCH-1 O", "words", ["ORCH-2", "OPS-7"], ["ORCH-1"]),
        ("list --db q.db --owner ", "words", ["worker:core-1", "-"], []),
    ],
)
def test_what_is_offered(queues: Path, run: Run, line: str, kind: str, some: list[str], none: list[str]) -> None:
    """Commands, options, values, ids and owners, by what stands before the cursor."""
    before = digest(queues)
    os.environ["PWD"] = str(queues)
    words = [typed_line(line).value, *reversed(typed_line(line).words)][::-1]
    for told in (run("__complete", "bash", f"ops-checks {line}", " \t\n"), run("__complete", "fish", *words)):
        assert (told.code, told.err) == (0, "")
        first, *offered = [each.partition("\t")[0] for each in told.out.splitlines()]
        assert first == kind
        assert set(some) <= set(offered)
        assert not set(none) & set(offered)
    assert digest(queues) == before


def test_descriptions(queues: Path, run: Run) -> None:
    """An id is described by status and title, an owner by its items; neither holds what a terminal obeys."""
    assert run("__complete", "fish", "show", "--db", "q.db", "ORCH-1").out == (
        "words\nORCH-1\tFAILED Rotate\\nthe \\x1b[31mkeys\n"
    )
    assert run("__complete", "zsh", "list", "--db", "q.db", "--owner", "w").out == "words\nworker\\:core-1:2 items\n"
    assert queues


@pytest.mark.parametrize("store", ["--db", "--queue"])
@pytest.mark.parametrize(
    "content",
    [None, b"", b"SQLite format 3\0" + b"\1" * 100, b"| id |\n|--|\n<<<<<<< x\n", b"\xff\xfe", b"x" * 100_000],
)
@pytest.mark.parametrize("option", ["--id ", "--owner "])
def test_a_broken_store_is_silent(folder: Path, run: Run, store: str, content: bytes | None, option: str) -> None:
    """Where the store cannot be read nothing is offered and nothing is said."""
    if content is not None:
        (folder / "broken").write_bytes(content)
    before = digest(folder)
    told = run("__complete", "bash", f"ops-checks list {store} broken {option}", BREAKS)
    assert (told.code, told.out.removeprefix("words\n"), told.err) == (0, "", "")
    assert digest(folder) == before


@pytest.mark.parametrize(
    "asked", [[], ["bash"], ["zsh"], ["fish"], ["csh", "x"], ["bash", "", "", "more"], ["bash", "\udcff"]]
)
def test_what_no_shell_asks_is_silent(run: Run, asked: list[str]) -> None:
    """A question that makes no sense has no answer, and no error."""
    told = run("__complete", *asked)
    assert (told.code, told.err) == (0, "")


def test_a_bad_policy_is_silent(queues: Path, run: Run) -> None:
    """A policy that cannot be read is another command's to tell."""
    (queues / "ops-checks.yaml").write_text("queue: [\n")
    assert run("__complete", "fish", "show", "D") == (0, "", "")
    assert "cancel" in run("__complete", "fish", "can").out


@pytest.mark.parametrize("mode", [0o755, 0o555])
def test_nothing_is_created_beside_a_database(queues: Path, run: Run, mode: int) -> None:
    """A database with a write-ahead log is read without the files that SQLite would make beside it."""
    execute(queues / "q.db", "PRAGMA journal_mode = WAL")
    before = {path.name: path.stat().st_mtime_ns for path in (queues, *queues.iterdir())}
    queues.chmod(mode)
    told = run("__complete", "fish", "show", "--db", "q.db", "ORCH")
    queues.chmod(0o755)
    assert [line.partition("\t")[0] for line in told.out.splitlines()] == ["words", "ORCH-1", "ORCH-2"]
    assert {path.name: path.stat().st_mtime_ns for path in (queues, *queues.iterdir())} == before


def test_a_live_database(queues: Path, run: Run) -> None:
    """What another program has committed into the log is offered while that program has the database open."""
    import sqlite3

    with closing(sqlite3.connect(queues / "q.db", isolation_level=None)) as live:
        live.execute("PRAGMA journal_mode = WAL")
        live.execute("UPDATE queue_items SET id = 'ORCH-9' WHERE id = 'ORCH-1'")
        names = sorted(path.name for path in queues.iterdir())
        assert "ORCH-9" in run("__complete", "fish", "show", "--db", "q.db", "ORCH").out
        live.execute("BEGIN EXCLUSIVE")
        assert run("__complete", "fish", "show", "--db", "q.db", "ORCH").err == ""
        assert sorted(path.name for path in queues.iterdir()) == names


def test_a_journal_is_left_to_who_repairs_it(queues: Path, run: Run) -> None:
    """A journal that a crash left behind is not rolled back by a completion."""
    (queues / "q.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 600)
    before = digest(queues)
    assert run("__complete", "fish", "show", "--db", "q.db", "ORCH").err == ""
    assert digest(queues) == before


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1), st.sampled_from(["", "'", '"']))
def test_what_is_quoted_is_read_back(text: str, quote: str):
    """A text that was quoted inside an open quote, or none, is what the shell's rules read."""
    written = quoted(text, quote)
    if written is not None:
        line = typed_line(f"x {quote}{written}{quote}")
        assert (line.words, line.value) == (["x"], text)


def test_bash_reads_back_every_character(folder: Path) -> None:
    """Each character of an id that is offered is itself for bash, in a word, in quotes, and at a word's beginning."""
    texts = [text for code in (*range(1, 0x3100), *range(0xA000, 0x1F700, 97)) for text in (f"a{chr(code)}b", chr(code))
             if can_be_typed(text)]  # fmt: skip
    expected, words = [], []
    for text in texts:
        for quote in ("", "'", '"'):
            written = quoted(text, quote)
            if written is not None:
                expected.append(text)
                words.append(f"{quote}{written}{quote}")
    (folder / "script").write_text("all=(" + " ".join(words) + ")\nprintf '%s\\0' \"${all[@]}\"\n", encoding="utf-8")
    done = subprocess.run(["bash", "--norc", "script"], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == expected


@pytest.fixture
def shell(queues: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a script in a shell that has the completion, in the folder of the queues."""
    import ops_checks

    (queues / "bin").mkdir()
    program = queues / "bin/ops-checks"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ops_checks "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(ops_checks.__file__)))
    monkeypatch.setenv("PATH", f"{queues / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run_script(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run_script


BASH = r"""
source <(ops-checks completion bash)
complete -p ops-checks >/dev/null || exit 9
complete_line() { COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=(); COMP_CWORD=0; _ops_checks; }
begun='ops-checks show --db hostile.db '
for line in "$begun" "$begun'" "$begun\""; do
    complete_line "$line"
    for word in "${COMPREPLY[@]}"; do
        close=''; case $line in *\') close=\' ;; *\") close=\" ;; esac
        eval "set -- $line$word$close"
        printf '%s\0' "$5"
    done
    printf 'end\0'
done
"""


def test_bash(queues: Path, shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """In bash each hostile id is offered so that the line that has it names it, and none runs anything."""
    done = shell("bash", "--norc", "--noprofile", "-c", BASH)
    assert (done.returncode, done.stderr) == (0, "")
    plain, single, double, rest = done.stdout.split("end\0")
    assert [sorted(each.split("\0")[:-1]) for each in (plain, single)] == [sorted(HOSTILE)] * 2
    assert sorted(double.split("\0")[:-1]) == sorted(each for each in HOSTILE if "!" not in each)
    assert (rest, (queues / "ran").exists()) == ("", False)


def test_bash_completes_the_word_at_the_cursor(shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """What follows `:` or `=` is what bash replaces; without its variables of the line the words are taken."""
    script = """
    source <(ops-checks completion bash)
    COMP_LINE='ops-checks --db q.db list --owner=worker:c --stale'; COMP_POINT=42; _ops_checks; echo "${COMPREPLY[*]}"
    COMP_LINE=''; COMP_WORDS=(ops-checks check --fail-level e); COMP_CWORD=3; _ops_checks; echo "${COMPREPLY[*]}"
    """
    assert shell("bash", "--norc", "-c", script).stdout == "core-1\nerror\n"


@pytest.mark.needs("fish")
def test_fish(queues: Path, shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """In fish each hostile id is a candidate by itself, with its title; paths are its own."""
    script = "ops-checks completion fish | source; complete -C 'ops-checks --db hostile.db show '"
    done = shell("fish", "--no-config", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == sorted(HOSTILE)
    script = "ops-checks completion fish | source; complete -C 'ops-checks --db q'; complete -C 'ops-checks --db=q'"
    assert shell("fish", "--no-config", "-c", script).stdout.split() == ["q.db", "--db=q.db"]
    assert not (queues / "ran").exists()


ZSH = r"""
zmodload zsh/zpty
zpty sh zsh -f -i
send() { zpty -w sh "$1"; }
send 'PS1=; autoload -Uz compinit; compinit -u -D; source <(ops-checks completion zsh); unsetopt beep'
send 'ops-checks() { printf "<%s>" "$@"; print; }; stty -echo'
for typed in 'tw' '\$\(t' "'it" '\`t' 'a:b' '%F' '한'; do
    zpty -w -n sh "ops-checks show --db hostile.db $typed"$'\t\n'
done
send 'print E''ND; exit'
while zpty -r sh line; do print -r -- "$line"; done
"""


@pytest.mark.needs("zsh")
def test_zsh(queues: Path, shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """In zsh a hostile id that is completed is the argument, whatever it holds, and nothing runs."""
    done = shell("zsh", "-f", "-c", ZSH)
    for wanted in ("two words", "$(touch ran)", "it's", "`touch ran`", "a:b=c@d", "%F{red}", "한국 1"):
        assert f"<show><--db><hostile.db><{wanted}>" in done.stdout
    assert not (queues / "ran").exists()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_scripts(run: Run, name: str) -> None:
    """Each shell has a script, which a reader can save; another shell is a usage error that names them."""
    told = run("completion", name)
    assert (told.code, told.err) == (0, "")
    assert "__complete " + name in told.out
    told = run("completion", "csh")
    assert (told.code, told.out, told.err.count("\n")) == (4, "", 1)
