"""`-f json` of every command: one document on stdout whatever becomes of it, errors included, each of a schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, digest, execute, item, make_database, make_markdown
from database_kinds import every_database
from json_checks import assert_answered, validator

from ops_checks import cli
from ops_checks.cli.answer_json import asks_for_json
from ops_checks.cli.command import command_names, load_command
from ops_checks.cli.commands.schema import SCHEMAS
from ops_checks.cli.outcomes import OUTCOMES
from ops_checks.exit_codes import EXIT_CODES
from ops_checks.stores.sqlite.store import SqliteStore
from ops_checks.transitions import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

ITEMS = [
    item("A-1", "IN_PROGRESS", owner_session="w1", started_at_kst="2026-01-01 10:00"),
    item("A-2", "FAILED"),
    item("A-3", "DONE"),
    item("A-4", "BLOCKED", "P0"),
]
POLICY = "queue: Q.md\ndb: q.db\nlog: runs.jsonl\nconsistency: {settle: 0s}\n"
#: Each command, in each of its ways.
COMMANDS = {
    "backtest": "backtest",
    "baseline": "baseline",
    "baseline show": "baseline show",
    "baseline export": "baseline export base.jsonl",
    "cancel": "cancel --id A-1",
    "cancel in both": "cancel --id A-1 --both",
    "check": "check",
    "completion": "completion bash",
    "consistency-check": "consistency-check",
    "drift": "drift",
    "help": "help",
    "help topic": "help gate",
    "history show": "history show report.json",
    "import": "import",
    "init": "init",
    "init --from": "init --from other.md --db other.db",
    "kpi": "kpi",
    "kpi --by": "kpi --by day",
    "list": "list",
    "policy check": "policy check",
    "reconcile plan": "reconcile plan",
    "reconcile apply": "reconcile apply plan.json",
    "reconcile resume": "reconcile resume",
    "render": "render",
    "replan": "replan --id A-2 --notes why",
    "report": "report report.json",
    "retry": "retry --id A-2",
    "schema": "schema error",
    "show": "show A-1",
    "snapshot": "snapshot -o state.json",
    "status": "status",
    "undo": "undo --id A-2",
    "undo an operation": "undo --operation op-0123456789abcdef",
    "undo a plan": "undo --plan p-0123456789abcdef",
    "wait": "wait --id A-3 --for DONE",
    "workers": "workers",
}


@pytest.fixture
def project(folder: Path, database_kind: InFile) -> Path:
    """Return a project with two queues that agree, a run log, a policy that names them, a plan and a report."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, {"A-2": {"attempt_count": 1, "lease_owner": "w2"}})
    make_markdown(folder / "other.md", ITEMS)
    (folder / "runs.jsonl").write_text("")
    (folder / "ops-checks.yaml").write_text(POLICY.replace("q.db", database_kind.there("q.db")))
    return folder


def test_every_command_is_in_the_table():
    """A command without a format of its own is none, but for one that goes on until it is ended."""
    assert {words.split()[0] for words in COMMANDS.values()} == set(command_names()) - {"watch"}


#: `-f text` of these is the report, which is another text than the lines that OPS_COMMANDS specifies.
_LINES_AND_REPORT = ("consistency-check", "kpi")


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_text_is_the_default(project: Path, run: Run, words: str) -> None:
    """`-f text` is accepted everywhere, and changes nothing."""
    restore = kept(project)
    told = run(*words.split())
    restore()
    again = run(*words.split(), "-f", "text")
    if words in _LINES_AND_REPORT:
        assert (again.code, "read: " in again.out) == (told.code, True)
    else:
        assert again == told


def kept(project: Path) -> Callable[[], None]:
    """Return what brings the files of a project back to what they are now."""
    files = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    def restore() -> None:
        for path in {path for path in project.rglob("*") if path.is_file()} - set(files):
            path.unlink()
        for path, data in files.items():
            path.write_bytes(data)
            aged(path)

    return restore


def _break_policy(project: Path) -> None:
    (project / "ops-checks.yaml").write_text("queue: Q.md\nqueue: Q.md\n")


def _break_document(project: Path) -> None:
    make_markdown(project / "Q.md", ITEMS)
    text = (project / "Q.md").read_text()
    (project / "Q.md").write_text(text.replace("| BLOCKED |", "| BLOCKD |"))


def _break_database(project: Path) -> None:
    (project / "q.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)


def _remove_queues(project: Path) -> None:
    (project / "Q.md").unlink()
    (project / "q.db").unlink()


def _raise(error: BaseException) -> Callable[[Path], None]:
    def plant(_project: Path) -> None:
        def fail(*_: object) -> None:
            raise error

        for name in command_names():
            pytest.MonkeyPatch.setattr(_PATCH[0], load_command(name), "run", fail)

    return plant


_PATCH: list[pytest.MonkeyPatch] = []
#: What can go wrong with any command.
FAULTS: dict[str, tuple[Callable[[Path], None], tuple[str, ...], dict[str, str]]] = {
    "nothing": (lambda _: None, (), {}),
    "an unknown flag": (lambda _: None, ("--no-such-flag",), {}),
    "two policies": (lambda _: None, ("--policy", "a", "--policy", "b"), {}),
    "a policy that is not there": (lambda _: None, ("--policy", "no.yaml"), {}),
    "a bad policy": (_break_policy, (), {}),
    "a bad environment": (lambda _: None, (), {"ORCH_TZ_OFFSET": "x", "ORCH_QUEUE_MD_READ_ONLY": "?"}),
    "a malformed document": (_break_document, (), {}),
    "a damaged database": (_break_database, (), {}),
    "a damaged database to work on": (_break_database, ("--db", "q.db"), {}),
    "no queues": (_remove_queues, (), {}),
    "Ctrl-C": (_raise(KeyboardInterrupt()), (), {}),
    "a disk that fails": (_raise(OSError(5, "Input/output error", "Q.md")), (), {}),
    "a defect": (_raise(KeyError("x")), (), {}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_document_whatever_happens(project: Path, run: Run, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command and each thing that can go wrong: stdout is one document of a schema, with the exit code in it.

    What is written to stderr is what is written there without JSON, one line for an error that is all there is.
    """
    _PATCH[:] = [monkeypatch]
    plant, more, environ = FAULTS[fault]
    restore = kept(project)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    for words in COMMANDS.values():
        restore()
        plant(project)
        told = run(*words.split(), *more, "-f", "json")
        if fault == "a defect":  # its line does not go through sys.stderr
            told = told._replace(err=f"error: {json.loads(told.out)['message']}\n")
        data = assert_answered(told)
        if data.get("schema") == "ops-checks/error/1":
            assert told.code >= 3, (words, told)
            assert told.err.startswith("error: "), (words, told)
            assert sum(not line.startswith("  ") for line in told.err.splitlines()) == 1, (words, told)


TABLE: dict[str, tuple[int, dict[str, Any]]] = {
    "--db": (4, {"message": "argument --db: expected one argument: see `ops-checks --help`"}),
    "--policy no.yaml status": (4, {"file": "no.yaml", "line": None}),
    "status --queue no.md": (3, {"file": "no.md", "line": None}),
    "status --db no.db": (3, {"file": "no.db", "line": None}),
    "cancel": (4, {"file": None, "details": []}),
    "undo": (4, {"details": ["nothing to undo"]}),
    "list --id ORCH-9": (5, {"file": "Q.md", "line": None}),
    "cancel --status FAILED": (
        4,
        {"message": "1 item selected, and nobody can be asked here: give --yes to cancel them"},
    ),
    "report no.json": (3, {"file": "no.json"}),
    "reconcile apply no.json": (4, {"file": "no.json"}),
    "no-such-command": (4, {}),
    "": (4, {}),
}


@pytest.mark.parametrize("words", TABLE)
def test_an_error_that_is_all_there_is(project: Path, run: Run, words: str) -> None:
    """The message, and the file where it begins with one."""
    code, wanted = TABLE[words]
    told = run("-f", "json", *words.split()) if not words else run(*words.split(), "-f", "json")
    data = assert_answered(told)
    assert (told.code, data["schema"]) == (code, "ops-checks/error/1")
    assert {name: data[name] for name in wanted} == wanted


@every_database
def test_the_line_of_an_error(project: Path, run: Run) -> None:
    """A row that is malformed is found by its line; the policy's key too."""
    _break_document(project)
    data = assert_answered(run("status", "-f", "json"))
    line = (project / "Q.md").read_text().splitlines().index(next(
        each for each in (project / "Q.md").read_text().splitlines() if "BLOCKD" in each
    )) + 1  # fmt: skip
    assert (data["file"], data["line"]) == ("Q.md", line)
    _break_policy(project)
    data = assert_answered(run("status", "-f", "json"))
    assert (data["file"], data["line"]) == ("ops-checks.yaml", 2)


@every_database
def test_status(project: Path, run: Run) -> None:
    """Everything that the lines cut, with what the store knows of it; both queues are named."""
    many = [item(f"B-{number}", "IN_PROGRESS", owner_session="w2") for number in range(9)]
    make_database(project / "big.db", [*ITEMS, *many], {"A-1": {"lease_owner": "w1", "lease_expires_at": 1}})
    data = assert_answered(run("status", "--db", "big.db", "-f", "json"))
    assert (data["queue"], data["unread"], data["total"]) == ("big.db", "Q.md", 13)
    assert data["counts"] == {"PENDING": 0, "IN_PROGRESS": 10, "BLOCKED": 1, "FAILED": 1, "DONE": 1}
    assert [each["id"] for each in data["in_progress"]] == ["A-1", *(f"B-{number}" for number in range(9))]
    first = data["in_progress"][0]
    assert (first["started_at_kst"], first["started_s"], first["lease_owner"]) == ("2026-01-01 10:00", 1767229200, "w1")
    assert data["workers"] == [
        {"owner": "w2", "tasks": 9, "priorities": {"P0": 0, "P1": 9, "P2": 0}, "ids": [each.id for each in many],
         "oldest_start": "-", "oldest_start_s": None},
        {"owner": "w1", "tasks": 1, "priorities": {"P0": 0, "P1": 1, "P2": 0}, "ids": ["A-1"],
         "oldest_start": "2026-01-01 10:00", "oldest_start_s": 1767229200},
    ]  # fmt: skip
    workers = assert_answered(run("workers", "--db", "big.db", "-f", "json"))
    assert workers["workers_active"] == 2
    assert {name: workers[name] for name in ("workers", "in_progress")} == {
        name: data[name] for name in ("workers", "in_progress")
    }


def outcomes(data: dict[str, Any]) -> dict[str, str]:
    """Return the outcome of each item."""
    return {each["id"]: each["outcome"] for each in data["items"]}


@every_database
def test_a_mutation(project: Path, run: Run) -> None:
    """Each item has its outcome, refusals their reason; cells before and after are those of the store."""
    data = assert_answered(run("retry", "--db", "q.db", "--id", "A-2", "--id", "A-3", "--id", "A-9", "-f", "json"))
    assert (data["command"], data["side"], data["queues"], data["dry_run"]) == ("retry", "db", ["q.db"], False)
    assert outcomes(data) == {"A-2": "changed", "A-3": "refused", "A-9": "refused"}
    assert data["summary"] == {
        "changed": 1, "would_change": 0, "unchanged": 0, "refused": 2, "failed": 0, "withheld": 0, "interrupted": 0,
        "not_begun": 0,
    }  # fmt: skip
    first, second, third = data["items"]
    assert (first["from"], first["to"]) == ("FAILED", "PENDING")
    assert (first["before"]["attempt_count"], first["after"]["attempt_count"]) == (1, 2)
    assert (first["before"]["lease_owner"], first["after"]["lease_owner"]) == ("w2", None)
    assert (second["from"], second["before"]["max_attempts"], second["to"], second["after"]) == ("DONE", 3, None, None)
    assert (third["from"], third["before"]) == (None, None)
    assert second["reason"] == data["errors"][0]["message"]
    assert second["reason"].startswith("A-3: is DONE: ")
    assert "no item A-9" in third["reason"]
    stored = assert_answered(run("list", "--db", "q.db", "--id", "A-2", "-f", "json"))["items"][0]
    assert first["after"] == {name: stored[name] for name in first["after"]}
    undone = assert_answered(run("undo", "--operation", data["operation"], "--db", "q.db", "-f", "json"))
    assert outcomes(undone) == {"A-2": "changed"}
    assert undone["items"][0]["after"]["attempt_count"] == 1
    again = assert_answered(run("undo", "--operation", undone["operation_id"], "--db", "q.db", "-f", "json"))
    assert again["items"][0]["after"]["status"] == "PENDING"


@every_database
def test_one_item_that_is_refused(project: Path, run: Run) -> None:
    """It is an item of the document, with the exit code and the line of text."""
    told = run("cancel", "--id", "A-3", "-f", "json")
    assert (outcomes(assert_answered(told)), told.code) == ({"A-3": "refused"}, 5)
    assert told.err == run("cancel", "--id", "A-3").err
    told = run("undo", "--id", "A-3", "-f", "json")
    data = assert_answered(told)
    assert (outcomes(data), data["operation_id"], told.code) == ({"A-3": "refused"}, None, 5)
    assert told.err == run("undo", "--id", "A-3").err


@every_database
def test_a_store_that_cannot_be_read(project: Path, run: Run) -> None:
    """Every item has failed, for that reason."""
    _break_document(project)
    for more in ([], ["--both"]):
        told = run("cancel", *more, "--id", "A-1", "--id", "A-4", "-f", "json")
        data = assert_answered(told)
        assert (outcomes(data), told.code) == ({"A-1": "failed", "A-4": "failed"}, 3)
        assert data["operation"] is None


@every_database
def test_both_sides(project: Path, run: Run) -> None:
    """The document's cells stand beside those of the database."""
    data = assert_answered(run("cancel", "--id", "A-1", "--both", "-f", "json"))
    (found,) = data["items"]
    assert (data["side"], data["queues"]) == ("both", ["Q.md", "q.db"])
    assert found["document"]["before"] == dict(zip(found["document"]["before"], ITEMS[0], strict=True))
    assert found["document"]["after"]["status"] == found["after"]["status"] == "BLOCKED"
    assert "lease_owner" in found["after"]
    assert "lease_owner" not in found["document"]["after"]


@every_database
def test_a_dry_run(project: Path, run: Run) -> None:
    """Nothing is written, and nothing can be taken back; selected items are among them."""
    before = digest(project)
    data = assert_answered(run("cancel", "--db", "q.db", "--id", "*", "--dry-run", "-f", "json"))
    assert outcomes(data) == {"A-4": "would_change", "A-1": "would_change", "A-2": "refused", "A-3": "refused"}
    assert (data["dry_run"], data["operation"], data["exit_code"]) == (True, None, 5)
    assert digest(project) == before


@every_database
@pytest.mark.parametrize("more", [["--dry-run"], []])
@pytest.mark.parametrize("side", [[], ["--both"], ["--db", "q.db"]])
def test_all_or_nothing(project: Path, run: Run, side: list[str], more: list[str]) -> None:
    """One refusal withholds the others; without one all are changed, or would be."""
    before = digest(project)
    told = run("cancel", *side, "--id", "A-1", "--id", "A-3", "--id", "A-4", "--all-or-nothing", *more, "-f", "json")
    data = assert_answered(told)
    assert (told.code, outcomes(data)) == (5, {"A-1": "withheld", "A-3": "refused", "A-4": "withheld"})
    assert (data["operation"], data["all_or_nothing"]) == (None, True)
    assert digest(project) == before
    told = run("cancel", *side, "--id", "A-1", "--id", "A-4", "--all-or-nothing", *more, "-f", "json")
    word = "would_change" if more else "changed"
    assert (told.code, outcomes(assert_answered(told))) == (0, {"A-1": word, "A-4": word})
    told = run("cancel", *side, "--id", "A-3", "--all-or-nothing", *more, "-f", "json")
    assert (told.code, outcomes(assert_answered(told))) == (5, {"A-3": "refused"})


@every_database
def test_an_undo_of_all_or_none(project: Path, run: Run) -> None:
    """It is told as a mutation of all or none is, a dry run and a store that fails included."""
    operation = assert_answered(run("cancel", "--db", "q.db", "--id", "A-1", "--id", "A-4", "-f", "json"))["operation"]
    execute(project / "q.db", "UPDATE queue_items SET notes = 'mine' WHERE id = 'A-4'")
    for more in ([], ["--dry-run"]):
        told = run("undo", "--operation", operation, "--all-or-nothing", *more, "-f", "json")
        assert (told.code, outcomes(assert_answered(told))) == (5, {"A-1": "withheld", "A-4": "refused"})
    told = run("undo", "--id", "A-1", "--dry-run", "-f", "json")
    data = assert_answered(told)
    assert (outcomes(data), data["operation"], data["operation_id"]) == ({"A-1": "would_change"}, "would-undo", None)
    _break_document(project)
    told = run("cancel", "--id", "A-1", "--id", "A-4", "--all-or-nothing", "-f", "json")
    assert (told.code, outcomes(assert_answered(told))) == (3, {"A-1": "failed", "A-4": "failed"})


@every_database
def test_what_is_so_already(project: Path, run: Run) -> None:
    """An item that is cancelled has not been changed by the second `cancel`."""
    run("cancel", "--id", "A-1", "--both")
    for more in ([], ["--both"], ["--db", "q.db"]):
        data = assert_answered(run("cancel", "--id", "A-1", *more, "-f", "json"))
        assert (outcomes(data), data["operation"], data["exit_code"]) == ({"A-1": "unchanged"}, None, 0)


@every_database
def test_ctrl_c_amid_several(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made, where it stopped, and what was to come."""
    change = SqliteStore.change

    def interrupted(self: SqliteStore, item_id: str, decide: Any) -> Any:
        if item_id == "A-4":
            raise KeyboardInterrupt
        return change(self, item_id, decide)

    monkeypatch.setattr(SqliteStore, "change", interrupted)
    ids = ("--id", "A-1", "--id", "A-4", "--id", "A-2", "--id", "A-3")
    told = run("replan", "--db", "q.db", *ids, "--notes", "x", "-f", "json")
    data = assert_answered(told)
    assert outcomes(data) == {"A-1": "changed", "A-4": "interrupted", "A-2": "not_begun", "A-3": "not_begun"}
    assert (told.code, data["operation"] is None) == (130, False)


@every_database
def test_an_undo_without_a_document(project: Path, run: Run) -> None:
    """That the queues cannot be compared takes nothing back that was done."""
    run("cancel", "--db", "q.db", "--id", "A-1")
    (project / "Q.md").unlink()
    told = run("undo", "--id", "A-1", "-f", "json")
    data = assert_answered(told)
    assert (told.code, outcomes(data), data["consistent"]) == (0, {"A-1": "changed"}, None)
    assert data["warnings"][0].startswith("the queues were not compared: Q.md: ")


@every_database
def test_an_undo_of_several(project: Path, run: Run) -> None:
    """One that is refused is an item too, with its reason, also where nobody can tell what it would have been."""
    run("cancel", "--db", "q.db", "--id", "A-1", "--id", "A-4")
    execute(project / "q.db", "UPDATE queue_items SET notes = 'mine' WHERE id = 'A-4'")
    told = run("undo", "--id", "A-1", "--id", "A-4", "--id", "A-2", "--id", "A-7", "-f", "json")
    data = assert_answered(told)
    assert told.code == 5
    assert outcomes(data) == {"A-1": "changed", "A-4": "refused", "A-2": "refused", "A-7": "refused"}
    assert all(each["reason"] for each in data["items"][1:])
    assert data["summary"]["refused"] == 3


@every_database
def test_an_operation_of_another_program(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a payload calls its operation, the document holds to its schema."""
    run("cancel", "--db", "q.db", "--id", "A-1")
    execute(project / "q.db", "UPDATE queue_events SET payload_json = replace(payload_json, 'op-', 'x ')")
    assert outcomes(assert_answered(run("undo", "--id", "A-1", "-f", "json"))) == {"A-1": "changed"}


WAITS: dict[str, tuple[int, str, int]] = {
    "--id A-3 --for DONE": (0, "holds", 0),
    "--id A-1 --for DONE --timeout 0s": (124, "timed_out", 1),
    "--id A-2 --for DONE": (1, "cannot_come", 1),
    "--id A-9 --for DONE": (5, "unknown_id", 1),
    "--for-status FAILED=2 --for consistent --timeout 0s": (124, "timed_out", 1),
}


@every_database
@pytest.mark.parametrize("words", WAITS)
def test_wait(project: Path, run: Run, words: str) -> None:
    """How it ended, why, and what was seen last."""
    code, outcome, reasons = WAITS[words]
    told = run("wait", *words.split(), "-f", "json")
    data = assert_answered(told)
    assert (told.code, data["outcome"], len(data["reasons"])) == (code, outcome, reasons)
    assert [each["id"] for each in data["seen"]["items"]] == data["wanted"]["ids"]


@every_database
def test_what_is_waited_for_is_never_cut(project: Path, run: Run) -> None:
    """The reasons name ten; the items are all there."""
    many = [item(f"B-{number}") for number in range(30)]
    make_markdown(project / "Q.md", many)
    words = [word for each in many for word in ("--id", each.id)]
    data = assert_answered(run("wait", *words, "--for", "DONE", "--timeout", "0s", "-f", "json"))
    assert {each["status"] for each in data["seen"]["items"]} == {"PENDING"}
    assert len(data["seen"]["items"]) == 30


@every_database
def test_init(folder: Path, run: Run) -> None:
    """What was made, then what was kept, and the baseline of a project that was made from one side."""
    make_markdown(folder / "Q.md", ITEMS)
    data = assert_answered(run("init", "--from", "Q.md", "-f", "json"))
    files = {each["path"]: each["outcome"] for each in data["files"]}
    assert files["automation/orchestrator/db/queue.db"] == "made"
    assert (data["baseline"], data["folder"]) == ({"id": "b-1", "agreed": 4, "unagreed": 0}, str(folder))
    data = assert_answered(run("init", "-f", "json"))
    assert {each["outcome"] for each in data["files"]} == {"kept"}


@every_database
def test_baseline(project: Path, run: Run) -> None:
    """What was recorded, and all that is not agreed, with who moved it."""
    many = [item(f"B-{number}") for number in range(60)]
    make_markdown(project / "Q.md", [*ITEMS, *many])
    assert assert_answered(run("baseline", "show", "-f", "json"))["baseline"] is None
    data = assert_answered(run("baseline", "--max-details", "1", "-f", "json"))
    assert (data["action"], data["agreed"], data["unagreed"], len(data["needs"])) == ("record", 4, 60, 60)
    shown = assert_answered(run("baseline", "show", "-f", "json"))
    assert (shown["baseline"], shown["lineage"]) == (data["baseline"], "no-git")
    exported = assert_answered(run("baseline", "export", "base.jsonl", "-f", "json"))
    assert (exported["baseline"], exported["file"]) == ({"id": "b-1"}, "base.jsonl")


@every_database
def test_show_of_an_unknown_item(project: Path, run: Run) -> None:
    """Those that are known are there, and the other one is an error."""
    data = assert_answered(run("show", "A-1", "A-9", "-f", "json"))
    assert [each["id"] for each in data["items"]] == ["A-1"]
    assert "no item A-9" in data["errors"][0]["message"]


HOSTILE = "##[add-mask]x \x1b]52;c;x\x07 \u202e \x9b ::error::x \udcff \U000e0001"


@every_database
@pytest.mark.parametrize(
    "words",
    [
        ["status", "--queue", HOSTILE],
        ["cancel", "--id", HOSTILE.replace("\udcff", "")],
        ["undo", "--operation", HOSTILE],
    ],
    ids=["status", "cancel", "undo"],
)
def test_hostile_text(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """It is only ever text, on a terminal and in the log of a CI system."""
    monkeypatch.setenv("GITHUB_ACTIONS", "1")
    told = run(*words, "-f", "json")
    json.loads(told.out)
    assert "##[" not in told.out
    assert all(line.isprintable() and not line.lstrip().startswith("::") for line in told.out.splitlines())


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `ops` is the program."""
    program = f'ops() {{ "{sys.executable}" -m ops_checks "$@"; }}; {command}'
    path = f"{Path(__file__).parents[2]}"
    return subprocess.run(
        ["bash", "-c", program], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("sink", ["> /dev/full", ">&-"])
def test_where_stdout_takes_nothing(project: Path, sink: str) -> None:
    """What was changed is told on stderr, an item a line, and the exit code says that not all is well."""
    done = shell(f"ops --db q.db replan --id A-1 --id A-3 --notes x -f json {sink}")
    assert done.returncode == 3
    told = [line for line in done.stderr.splitlines() if line.startswith("note: A-")]
    assert told == [
        f"note: {line}: this change was made, only the output failed" for line in ("A-1 -> BLOCKED", "A-3 -> PENDING")
    ]


def test_a_reader_that_has_gone(project: Path) -> None:
    """A document that nobody reads is no failure, and what it tells of is told."""
    read, write = os.pipe()
    os.close(read)
    words = ["--db", "q.db", "replan", "--id", "A-1", "--notes", "x", "-f", "json"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "ops_checks", *words], env=environ, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert done.returncode == 0
    assert b"note: A-1 -> BLOCKED: this change was made, only the output failed\n" in done.stderr


@pytest.mark.parametrize(
    ("command", "target"),
    [
        *(
            ("ops status -f json --no-such-flag", target)
            for target in ("Q.md", "q.db", "ops-checks.yaml", "runs.jsonl")
        ),
        ("ops status -f json --queue Q.md --queue other.md", "other.md"),
        ("ops --policy=elsewhere.yaml status -fjson --no-such-flag", "elsewhere.yaml"),
        ("ops status -f json", "q.db"),
        ("ops cancel -f json", "runs.jsonl"),
    ],
)
def test_no_error_is_written_into_an_input(project: Path, command: str, target: str) -> None:
    """Not even that of a command line that nobody understands."""
    (project / "elsewhere.yaml").write_text(POLICY)
    before = (project / target).read_bytes()
    assert shell(f"{command} >> {target}").returncode == 4
    assert (project / target).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("status -f json", True),
        ("status --format=json", True),
        ("status -fjson", True),
        ("status -f=json", True),
        ("status -f text", False),
        ("status -qf json", True),
        ("status -qfjson", True),
        ("status -q json", False),
        ("status --json", False),
        ("list -f jsonl", False),
        ("status -- -f json", False),
        ("check -f json=report.json", False),
        ("check -f json=report.json -f text", False),
        ("check -f json -f junit=x.xml", True),
        ("status -f json -f text", True),
        ("status -f xml -f json", True),
        ("status -f", False),
        ("cancel --notes=-fjson", False),
    ],
)
def test_what_asks_for_json(words: str, asked: bool) -> None:  # noqa: FBT001 - a column of the table
    """Where the words cannot be parsed, they themselves tell."""
    assert asks_for_json(words.split()) is asked


@every_database
def test_quiet(project: Path, run: Run) -> None:
    """A document has the notes that a quiet command does not print."""
    told = run("status", "-q", "-f", "json")
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["notes"] == ["Q.md was read, q.db was not"]
    assert assert_answered(run("status", "-qf", "json", "--no-such-flag"))["exit_code"] == 4


@every_database
def test_two_formats_on_stdout_are_not_one_document(project: Path, run: Run) -> None:
    """Where a report is asked for in two formats there, its error is on stderr alone."""
    told = run("check", "-f", "json", "-f", "text")
    assert (told.code, told.out) == (4, "")
    assert assert_answered(run("status", "-f", "json", "-f", "text"))["exit_code"] == 4


def test_where_the_folder_is_gone(folder: Path) -> None:
    """There is no path to anything, and the error is told all the same."""
    done = shell("mkdir gone; cd gone; rmdir ../gone; ops status -f json")
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (3, 3)


def test_schemas_name_what_there_is():
    """Exit codes, outcomes and commands in schemas are those of the program."""
    for name in _OF_COMMANDS:
        assert validator(name).schema["properties"]["exit_code"]["enum"] == [int(code) for code in EXIT_CODES], name
    shells = [path.name for path in (Path(cli.__file__).parent / "completion_scripts").iterdir()]
    assert validator("completion").schema["properties"]["shell"]["enum"] == sorted(shells)
    mutation = validator("mutation").schema
    assert mutation["properties"]["command"]["enum"] == list(TRANSITIONS)
    assert mutation["$defs"]["outcome"]["properties"]["outcome"]["enum"] == list(OUTCOMES)
    assert mutation["properties"]["summary"]["required"] == list(OUTCOMES)


#: What commands print, besides plans and reports, which are files.
_OF_COMMANDS = sorted(set(SCHEMAS) - {"report", "policy", "plan", "baseline", "snapshot", "history"})


def test_schemas_speak_of_the_same_things():
    """What several documents hold is described by the same words in each."""
    schemas = {name: validator(name).schema for name in SCHEMAS}
    kept = {name: schema.get("$defs", {}) for name, schema in schemas.items()}
    for one, other in (
        ("status", "list"), ("workers", "status"), ("result", "mutation"), ("error", "mutation"), ("list", "error"),
        ("baseline-result", "plan"),
    ):  # fmt: skip
        shared = set(kept[one]) & set(kept[other])
        assert shared
        assert {key: kept[one][key] for key in shared} == {key: kept[other][key] for key in shared}
