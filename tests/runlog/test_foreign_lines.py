"""Lines that something between the writer and us has changed: each is named, and the command that is given is right."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.runlog.foreign_lines import NULS, recognize
from ops_checks.runlog.line_reader import LONGEST_LINE_BYTES
from ops_checks.runlog.reader import read_runs

RECORDS = [
    json.dumps({"event": "run_end", "command": "done" if number else "fail", "exit_code": 0, "duration_ms": number})
    for number in range(5)
]
PLAIN = "".join(f"{record}\n" for record in RECORDS)
AT = datetime(2026, 11, 25, tzinfo=UTC).isoformat()


def docker(text: str) -> str:
    """Wrap lines as Docker's json-file driver does, long ones in two parts."""
    parts = [part for line in text.splitlines() for part in (line[:30], line[30:] + "\n")]
    return "".join(json.dumps({"log": part, "stream": "stdout", "time": AT}) + "\n" for part in parts)


def cri(text: str) -> str:
    """Wrap lines as container runtimes of Kubernetes do, long ones in two parts."""
    return "".join(
        f"2026-11-25T00:00:00.1Z stdout P {line[:30]}\n2026-11-25T00:00:00.1Z stdout F {line[30:]}\n"
        for line in text.splitlines()
    )


def journal(text: str) -> str:
    """Wrap lines as `journalctl -o json` does."""
    return "".join(
        json.dumps({"MESSAGE": line, "__REALTIME_TIMESTAMP": "1", "_PID": "1"}) + "\n" for line in text.splitlines()
    )


def each(form: str):
    """Return what puts a form around every line."""
    return lambda text: "".join(form.replace("LINE", line) + "\n" for line in text.splitlines())


def wrapped(key: str, *, nested: bool = False):
    """Return what puts every record into one value of an object."""
    return lambda text: "".join(
        json.dumps({"level": 30, key: json.loads(line) if nested else line}) + "\n" for line in text.splitlines()
    )


KINDS = {
    "docker": (docker, "Docker's json-file log driver"),
    "cri": (cri, "Kubernetes"),
    "journal": (journal, "systemd journal"),
    "syslog": (each("Nov 25 00:00:00 host ops[12]: LINE"), "a record behind a prefix"),
    "rfc 5424": (each("<134>1 2026-11-25T00:00:00Z host ops 12 - - LINE"), "a record behind a prefix"),
    "compose": (each("worker-1  | LINE"), "a record behind a prefix"),
    "logging": (each("INFO:root:LINE"), "a record behind a prefix"),
    "coloured": (each("\x1b[32mLINE\x1b[0m"), "coloured for a terminal"),
    "pretty": (
        lambda text: "".join(json.dumps(json.loads(line), indent=2) + "\n" for line in text.splitlines()),
        "JSON",
    ),
    "array": (lambda text: "[\n" + ",\n".join(text.splitlines()) + "\n]\n", "a JSON array"),
    "array on a line": (lambda text: "[" + ", ".join(text.splitlines()) + "]\n", "a JSON array"),
    "one line": (lambda text: text.replace("\n", "") + "\n", "more than one record on a line"),
    "joined": (each("\ufeffLINE"), "a byte order mark"),
    "commas": (each("LINE,"), "a comma behind it"),
    "fluent bit": (wrapped("log"), "the record is in `.log`"),
    "vector": (wrapped("message"), "the record is in `.message`"),
    "stackdriver": (wrapped("jsonPayload", nested=True), "the record is in `.jsonPayload`"),
    "copytruncate": (lambda text: "\0" * 5_000 + text, "a block of NUL bytes"),
}


@pytest.mark.needs("jq")
@pytest.mark.parametrize("name", KINDS)
def test_the_kind_is_named_and_its_command_restores_the_records(tmp_path: Path, name: str) -> None:
    """The first line is named as what it is, and what the advice says gives the records back, none lost."""
    change, words = KINDS[name]
    log = tmp_path / "FILE"
    log.write_text(change(PLAIN))
    stats = read_runs([str(log)])
    assert stats.malformed
    defect = stats.defects[0]
    assert words in defect.reason
    command = defect.advice.split("`")[1::2][-1] if name != "journal" else "jq -r .MESSAGE FILE > NEW"
    command = next(each for each in defect.advice.split("`")[1::2] if "FILE" in each) if name != "journal" else command
    subprocess.run(["sh", "-c", command if "NEW" in command else f"{command} > NEW"], cwd=tmp_path, check=True)
    assert [json.loads(line) for line in (tmp_path / "NEW").read_text().splitlines()] == [*map(json.loads, RECORDS)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"event,trace_id,command,exit_code\n", "the header of a CSV file"),
        (b"event\tcommand\texit_code\n", "the header of a CSV file"),
        (b"event=run_end command=done exit_code=0\n", "pairs of `key=value`"),
        (b"{'event': 'run_end', 'command': 'done'}\n", "Python dictionary"),
        (b"__CURSOR=s=1;i=2\n", "the journal's own export format"),
        (b'{"event":"run_e{"event":"run_start","command":"x"}\n', "records of two writers"),
        (b"<<<<<<< HEAD\n", "merge conflict"),
        (b">>>>>>> feature/x\n", "merge conflict"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer, not the run log"),
        (b"\0GITCRYPT\0\x01\x02\n", "is encrypted by git-crypt"),
        (b"SQLite format 3\0\x10\0\n", "is a SQLite database"),
        (b'\xff\xfe{\0"\0\n', "is UTF-16 text"),
        (b"<!DOCTYPE html>\n", "is an HTML page"),
        (b"| id | status | priority | task | success_criteria |\n", "is a Markdown queue"),
    ],
)
def test_lines_that_no_command_restores(line: bytes, words: str) -> None:
    """They are named too, with what to do."""
    found = recognize(line)
    assert found is not None
    assert words in found.reason
    assert found.advice


@pytest.mark.parametrize(
    "line", [b"", b'{"event":1}', b"garbage", b"\0", b"{}", b"[]", b"[1]", b"null", b"\x80", b'"{"', b"x{y"]
)
def test_a_plainly_malformed_line_is_not_explained(line: bytes) -> None:
    """There the words for the defect itself are better."""
    assert recognize(line) is None


@given(st.binary(max_size=200))
def test_any_line(line: bytes) -> None:
    """No line makes the recognition raise, and nothing of it is quoted unescaped."""
    found = recognize(line)
    assert found is None or (found.reason + found.advice).isprintable()


def test_a_block_of_nul_bytes_beyond_the_longest_line(tmp_path: Path) -> None:
    """A hole of a file that had grown large: named, in bounded memory, and the lines behind it count."""
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(LONGEST_LINE_BYTES + 12_345)
        file.seek(0, 2)
        file.write(PLAIN.encode())
    stats = read_runs([str(log)])
    assert (stats.malformed, stats.runs) == (1, len(RECORDS) - 1)
    assert (stats.defects[0].reason, stats.defects[0].advice) == NULS


def test_good_lines_cost_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only malformed lines are looked at."""
    monkeypatch.setattr("ops_checks.runlog.foreign_lines.recognize", lambda _: pytest.fail("asked for a good line"))
    log = tmp_path / "log"
    log.write_text(PLAIN)
    assert read_runs([str(log)]).runs == len(RECORDS)
