"""`check --history` and `history show`: each run is kept, whatever it says, and shown as it was."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import aged, item, make_database, make_markdown
from conftest import NOW_S
from json_checks import assert_answered, validator

from ops_checks.files.file_lock import take_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]

POLICY = "queue: Q.md\ndb: q.db\nlog: l.jsonl\nconsistency: {settle: 0s}\nkpi: {thresholds: {failure_rate: 0.2}}\n"
END = '{"event":"run_end","command":"%s","exit_code":0,"duration_ms":%d,"ts_epoch_ms":%d}\n'
DAY_S = 86_400


def log(*commands: str) -> None:
    """Write a log of runs, an hour ago."""
    Path("l.jsonl").write_text("".join(END % (each, 90, NOW_S * 1000 - 3_600_000) for each in commands))


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project with two queues that agree, and a log."""
    make_markdown(folder / "Q.md", [item("A-1"), item("A-2")])
    make_database(folder / "q.db", [item("A-1"), item("A-2")])
    log("done", "done", "done", "fail")
    (folder / "ops-checks.yaml").write_text(POLICY)
    return folder


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets so many days pass."""
    return lambda days: monkeypatch.setattr("time.time", lambda: NOW_S + days * DAY_S)


def lines(name: str = "h.jsonl") -> list[dict[str, object]]:
    """Return the lines of a history, each held to its schema."""
    found = [json.loads(line) for line in Path(name).read_bytes().splitlines()]
    for line in found:
        assert (error := next(validator("history").iter_errors(line), None)) is None, error
    return found


def test_the_story(project: Path, run: Run, later: Callable[[float], None]) -> None:
    """A run that fails and one that passes are two lines; `history show` tells what failed, the newest last."""
    assert run("check", "--history", "h.jsonl").code == 2
    later(1)
    log(*["done"] * 9, "fail")
    told = run("check", "--history", "h.jsonl", "--exit-zero", "-f", "health")
    assert (told.code, told.err) == (0, "")
    assert [(line["verdict"], line["exit_code"]) for line in lines()] == [("fail", 2), ("pass", 0)]
    told = run("history", "show", "h.jsonl")
    assert (told.code, told.err) == (0, "")
    assert told.out == (
        "history runs=2 passed=1 failed=1\n"
        "- 2026-01-02 00:00 fail exit=2 failed=failure-rate failure_rate=0.2500 latency_p95_ms=90 stale_in_progress=0 "
        "malformed_lines=0\n"
        "- 2026-01-03 00:00 pass exit=0 failed=- failure_rate=0.1000 latency_p95_ms=90 stale_in_progress=0 "
        "malformed_lines=0\n"
    )
    told = run("history", "show", "-n", "1", "--since", "2026-01-01", "h.jsonl")
    assert told.out.splitlines()[1].startswith("- 2026-01-03 00:00 pass")
    assert told.err == "note: -n: 1 of 2 runs are shown\n"
    assert run("history", "show", "h.jsonl", "--until", "2026-01-03").out.startswith(
        "history runs=1 passed=0 failed=1\n"
    )


def test_as_json_and_csv(project: Path, run: Run) -> None:
    """JSON has the lines with where they stand, CSV a column for each metric; no count has a point."""
    run("check", "--history", "h.jsonl")
    Path("h.jsonl").write_bytes(b"\n" + Path("h.jsonl").read_bytes())
    told = run("history", "show", "h.jsonl", "-f", "json")
    (shown,) = assert_answered(told)["runs"]
    (line,) = (json.loads(each) for each in Path("h.jsonl").read_bytes().splitlines() if each)
    assert shown == {"file": "h.jsonl", "line": 2} | {name: line[name] for name in line if name != "schema"}
    (row,) = csv.DictReader(run("history", "show", "h.jsonl", "-f", "csv").out.splitlines())
    assert row["at"] == "2026-01-01T15:00:00.000Z"
    assert (row["verdict"], row["exit_code"], row["failed"]) == ("fail", "2", "failure-rate")
    assert (row["failure_rate"], row["latency_p95_ms"], row["retry_count"]) == ("0.25", "90", "0")


def test_a_part_of_the_checks_is_a_run(project: Path, run: Run) -> None:
    """It keeps what was evaluated; `kpi` is no gate, and keeps nothing."""
    run("check", "--history", "h.jsonl", "--only", "consistency")
    (line,) = lines()
    assert line["metrics"] == []
    assert [rule["id"] for rule in line["rules"]] == ["missing-in-db", "missing-in-md", "field-mismatch"]  # type: ignore[attr-defined]
    Path("ops-checks.yaml").write_text(POLICY + "history: {file: h.jsonl}\n")
    run("kpi", "-f", "json")
    run("consistency-check", "-f", "json")
    assert len(lines()) == 1


def test_what_could_not_be_evaluated_is_a_run(project: Path, run: Run) -> None:
    """With what could be, and exit code 3."""
    Path("l.jsonl").write_text("x\n")
    assert run("check", "--history", "h.jsonl").code == 3
    (line,) = lines()
    assert (line["verdict"], line["exit_code"], line["errors"]) == ("error", 3, 1)
    assert (
        run("history", "show", "h.jsonl")
        .out.splitlines()[1]
        .startswith("- 2026-01-02 00:00 error exit=3 failed=failure-rate,latency-p95-ms,malformed-lines ")
    )


def test_in_the_policy(project: Path, run: Run, later: Callable[[float], None]) -> None:
    """A file relative to the policy's folder, and how long runs are kept; the rules on events stay off."""
    (project / "sub").mkdir()
    Path("ops-checks.yaml").write_text(POLICY + "history: {file: sub/h.jsonl, keep: 10d}\n")
    os.chdir("sub")
    for day in (0, 5, 9, 20):
        later(day)
        aged(project / "l.jsonl")
        assert run("check", "--only", "consistency", "-f", "health").out == "HEALTH_OK\n"
    assert [line["at"] for line in lines()] == ["2026-01-21T15:00:00.000Z"]
    assert {rule["group"] for rule in lines()[0]["rules"]} == {"consistency"}  # type: ignore[attr-defined]
    assert run("history", "show").out.startswith("history runs=1 ")
    run("check", "--only", "consistency", "--history", "other.jsonl")
    assert (len(lines()), len(lines("other.jsonl"))) == (1, 1)


@pytest.mark.parametrize(
    ("history", "on"),
    [
        ("{file: h.jsonl}", False),
        ("{keep: 90d}", False),
        ("{file: h.jsonl, keep: 90d}", False),
        ("{file: h.jsonl, severity: {}}", True),
        ("{severity: {picked-twice: warning}, keep: 1d}", True),
        ("{}", True),
    ],
)
def test_what_switches_the_rules_on_events_on(project: Path, run: Run, history: str, on: bool) -> None:  # noqa: FBT001 - a column
    """A mapping that says only how runs are kept does not."""
    Path("ops-checks.yaml").write_text(f"{POLICY}history: {history}\n")
    groups = {rule["group"] for rule in json.loads(run("check", "-f", "json").out)["rules"]}
    assert ("history" in groups) is on


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--history", "Q.md"], "--history: Q.md is an input: name another file"),
        (["--history", "l.jsonl"], "--history: l.jsonl is an input: name another file"),
        (["--history", "./q.db"], "--history: ./q.db is an input: name another file"),
        (["--history", "ops-checks.yaml"], "--history: ops-checks.yaml is an input: name another file"),
        (["--history", "r.json", "--known", "r.json"], "--history: r.json is an input: name another file"),
        (
            ["--history", "other.jsonl"],
            "--history: other.jsonl: holds something else than a history, and is kept: name another file",
        ),
        (["--history", "link"], "--history: link: is a symlink, not a history: name the file itself, or another one"),
        (["--history", "/dev/null"], "--history: /dev/null: is no regular file, not a history: name the file"),
        (["--history", "no/h"], "--history: no/h: its folder is not there: make it, or name another file"),
        (["--history", "h.jsonl", "-f", "json=h.jsonl"], "--format json: h.jsonl is an input: name another file"),
        (["--history", "h.jsonl", "-f", "health=h.jsonl"], "--format health: h.jsonl is an input: name another file"),
        (["--history", "a", "--history", "b"], "argument --history: given twice, as 'a' and as 'b': give it once"),
        (["--history", " "], "argument --history: expected a path, found nothing"),
    ],
)  # fmt: skip
def test_what_is_refused(project: Path, run: Run, args: list[str], error: str) -> None:
    """Before the gate runs, exit code 4; every byte stays."""
    run("check", "-f", "json=r.json")
    Path("other.jsonl").write_bytes(Path("l.jsonl").read_bytes())
    Path("link").symlink_to("h.jsonl")
    run("check", "--history", "h.jsonl")
    before = {path: path.read_bytes() for path in project.iterdir() if path.is_file()}
    told = run("check", *args)
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith(f"error: {error}")
    assert {path: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_a_history_that_cannot_be_written(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict stays, and is shown; that it is in no history is told, and is exit code 3, also with --exit-zero."""

    def fail(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ops_checks.files.append_line.os.write", fail)
        told = run("check", "--history", "h.jsonl", "-f", "health", "--exit-zero")
    assert (told.code, told.out) == (3, "HEALTH_FAIL failure-rate=fail\n")
    assert told.err == (
        "error: h.jsonl: not written (No space left on device): check the path, its permissions and the disk; "
        "the verdict stands, and is in no history\n"
    )
    held = take_lock("h.jsonl", mode=0o600)
    assert held is not None
    told = run("check", "--history", "h.jsonl", "-f", "health", "--lock-timeout", "0")
    os.close(held)
    assert told.code == 3
    assert told.err.startswith("error: h.jsonl: not written, because process ")


def test_other_lines_are_told(project: Path, run: Run) -> None:
    """By kind, with how many and where; the runs are shown all the same."""
    run("check", "--history", "h.jsonl")
    line = Path("h.jsonl").read_bytes()
    Path("h.jsonl").write_bytes(
        line + line[:40] + b"\n" + line.replace(b"history/1", b"history/7") + b"what\n" * 7 + line[:9]
    )
    run("check", "--history", "h.jsonl")
    told = run("history", "show", "h.jsonl")
    assert told.code == 0
    assert told.out.startswith("history runs=2 ")
    assert told.err == (
        "warning: h.jsonl: 2 lines left out (line 2, 11), cut off: its writer was killed, or the disk was full\n"
        "warning: h.jsonl: 1 line left out (line 3), of another version: the ops-checks that wrote it reads it\n"
        "warning: h.jsonl: 7 lines left out (line 4, 5, 6, 7, 8, …), no run: something else wrote it\n"
    )


def test_reports_that_were_kept(project: Path, run: Run, later: Callable[[float], None]) -> None:
    """A folder of them, or some, are shown as a history is."""
    Path("ci").mkdir()
    run("check", "-f", "json=ci/a.json", "--history", "h.jsonl")
    later(1)
    run("check", "-f", "json=ci/b.json")
    of_folder = run("history", "show", "ci")
    assert of_folder.out.startswith("history runs=2 ")
    assert run("history", "show", "ci/b.json", "ci/a.json") == of_folder
    told = run("history", "show", "ci", "h.jsonl")
    assert told.out == of_folder.out
    assert told.err == "warning: 1 run stands in several files: counted once\n"


def test_hostile_runs(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a report of somebody else says is only ever text, on a terminal and in the log of a CI system."""
    run("check", "-f", "json=r.json")
    report = json.loads(Path("r.json").read_text())
    report["rules"][0] |= {"id": 'x"##[error]\n::warning::\x1b[31m\u202e=', "verdict": "fail", "counts_as": "fail"}
    report["settings"] = {"fail_level": ["x"], "kpi.window": {"a": 1}}
    Path("r.json").write_text(json.dumps(report))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for form in ("text", "csv", "json"):
        for words in (["history", "show", "r.json"], ["backtest", "--history", "r.json"]):
            told = run(*words, "-f", form)
            assert told.code == 0
            assert told.out.replace("\n", "").replace("\r\n", "").replace("\r", "").isprintable()
            assert not any(line.lstrip().startswith("::") or "##[" in line for line in told.out.splitlines())


def test_nothing_is_printed_into_a_history(project: Path, run: Run) -> None:
    """Where stdout goes to the file that is shown, it stays as it is; an error as JSON names the file."""
    run("check", "--history", "h.jsonl")
    before = Path("h.jsonl").read_bytes()
    for words in (["history", "show", "h.jsonl"], ["backtest", "--history", "h.jsonl"]):
        with Path("h.jsonl").open("ab") as out:
            done = subprocess.run(
                [sys.executable, "-m", "ops_checks", *words], stdout=out, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (done.returncode, Path("h.jsonl").read_bytes()) == (4, before)
        assert done.stderr == "error: stdout: goes to h.jsonl, which is an input: redirect it to another file\n"
    data = assert_answered(run("history", "show", "no.jsonl", "-f", "json"))
    assert (data["schema"], data["file"]) == ("ops-checks/error/1", "no.jsonl")


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (["show"], 4, "history show: name a history, or one in the policy (history.file)"),
        (["show", "no"], 3, "no: no such history: name a file of `check --history FILE`, or reports of `-f json`"),
        (["show", "Q.md"], 3, "Q.md: "),
        (["show", "l.jsonl"], 3, "l.jsonl"),
        (
            ["show", "h.jsonl", "--since", "x"],
            4,
            "--since 'x': expected 90s, 15m, 2h, 7d, HH:MM (the last one), ",
        ),
        (["show", "h.jsonl", "-n", "x"], 4, "argument -n: expected a whole number from 0, found 'x'"),
        (["list"], 4, "argument STEP: invalid choice: 'list'"),
    ],
)
def test_errors_of_show(project: Path, run: Run, args: list[str], code: int, error: str) -> None:
    """One clear line."""
    run("check", "--history", "h.jsonl")
    told = run("history", *args)
    assert (told.code, told.out) == (code, "")
    assert told.err.startswith(f"error: {error}")
    assert len(told.err.splitlines()) == 1
