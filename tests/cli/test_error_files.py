"""`-f json=FILE` of a run that ends in an error: the file holds the error's document, and no other file is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import digest, item, make_database, make_markdown
from json_checks import validator

from ops_checks.errors import WriteError
from ops_checks.files.new_file import create_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

POLICY = "queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\n"


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with both queues, a run log, and a policy with a key that is none."""
    make_markdown(folder / "QUEUE.md", [item("A-1")])
    make_database(folder / "queue.db", [item("A-1")])
    (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":10}\n')
    (folder / "ops-checks.yaml").write_text(f"{POLICY}unknown: 1\n")
    return folder


@pytest.mark.parametrize("words", [("-f", "json=r.json"), ("-fjson=r.json",), ("--format=json=r.json", "-f", "text")])
@pytest.mark.parametrize("more", [(), ("--unheard-of",)], ids=["a bad policy", "an unknown option"])
def test_the_file_holds_the_error(queues: Path, run: Run, words: tuple[str, ...], more: tuple[str, ...]) -> None:
    """It is what `-f json` prints on stdout; stdout stays for what is not JSON."""
    expected = run("check", "-f", "json", *more)
    done = run("check", *words, *more)
    assert (done.code, done.err, done.out) == (4, expected.err, "")
    document = (queues / "r.json").read_text()
    assert document == expected.out
    validator("error").validate(json.loads(document))


def test_errors_and_reports_replace_each_other(queues: Path, run: Run) -> None:
    """What was in the file is of an earlier run, whichever it was."""
    (queues / "ops-checks.yaml").write_text(POLICY)
    assert run("check", "-f", "json=r.json").code == 0
    (queues / "ops-checks.yaml").write_text("- bad\n")
    assert run("check", "-f", "json=r.json").code == 4
    assert json.loads((queues / "r.json").read_text())["exit_code"] == 4
    (queues / "ops-checks.yaml").write_text(POLICY)
    assert run("check", "-f", "json=r.json").code == 0
    assert json.loads((queues / "r.json").read_text())["tool"]["name"] == "ops-checks"


@pytest.mark.parametrize(
    "target",
    ["QUEUE.md", "queue.db", "runs.jsonl", "ops-checks.yaml", "sub/../queue.db", "link", "mine.txt", "other.db"],
)
@pytest.mark.parametrize("more", [(), ("--unheard-of",)], ids=["a bad policy", "an unknown option"])
def test_no_other_file_is_written(queues: Path, run: Run, target: str, more: tuple[str, ...]) -> None:
    """Not an input, by whatever name, and nothing that holds something else; a note says so."""
    (queues / "sub").mkdir()
    (queues / "link").symlink_to("queue.db")
    (queues / "mine.txt").write_text("mine\n")
    before = digest(queues)
    done = run("check", "--db", "other.db", "--log-path", "runs.jsonl", "-f", f"json={target}", *more)
    assert done.code == 4
    assert digest(queues) == before
    assert "note: the error is in no file: " in done.err
    assert done.err.startswith("error: ")


def test_a_file_that_cannot_be_written_is_told(queues: Path, run: Run) -> None:
    """The error stands on stderr in any case, and its exit code stays."""
    done = run("check", "-f", "json=missing/r.json")
    assert done.code == 4
    assert "note: the error is in no file: missing/r.json: " in done.err
    assert not (queues / "missing").exists()


@pytest.mark.parametrize("option", ["--queue", "--db"])
def test_a_location_that_is_none_has_its_error_too(queues: Path, run: Run, option: str) -> None:
    """On stdout and in the file; an empty log that the policy names is no place for it."""
    (queues / "ops-checks.yaml").write_text(POLICY)
    (queues / "runs.jsonl").write_text("")
    told = run("check", option, "mysql://host/x", "-f", "json")
    assert (told.code, json.loads(told.out)["exit_code"]) == (4, 4)
    run("check", option, "mysql://host/x", "-f", "json=r.json")
    assert (queues / "r.json").read_text() == told.out
    run("check", option, "mysql://host/x", "-f", "json=runs.jsonl")
    assert (queues / "runs.jsonl").read_text() == ""


def test_an_error_about_the_file_leaves_it_as_it_is(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was too much for the disk is not followed by what is less: the error says that nothing was written."""
    (queues / "ops-checks.yaml").write_text(POLICY)

    def full(path: str, _data: bytes) -> bool:
        monkeypatch.setattr("ops_checks.files.output_file.create_file", create_file)  # what is less has room
        raise WriteError(f"{path}: not written (No space left on device), the file is as it was")

    monkeypatch.setattr("ops_checks.files.output_file.create_file", full)
    assert run("check", "-f", "json=r.json").code == 3
    assert not (queues / "r.json").exists()


def test_an_error_that_nobody_expected_is_in_the_file(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3 has its document too."""
    (queues / "ops-checks.yaml").write_text(POLICY)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("ops_checks.cli.gate_report.run_gate", broken)
    assert run("check", "-f", "json=r.json").code == 3
    document = json.loads((queues / "r.json").read_text())
    assert (document["exit_code"], "RuntimeError" in document["message"]) == (3, True)


@pytest.mark.parametrize("command", [("check", "-f"), ("status", "-f"), ("reconcile", "plan", "-o")])
def test_a_location_in_place_of_a_file_keeps_its_password(queues: Path, run: Run, command: tuple[str, ...]) -> None:
    """Who mistakes an output for the database is told that nothing was written, and not the password."""
    *words, option = command
    name = "postgresql://u:s3cret@h/db"
    told = run(*words, option, f"json={name}" if option == "-f" else name)
    assert told.code in (3, 4)
    assert "s3cret" not in told.out + told.err
