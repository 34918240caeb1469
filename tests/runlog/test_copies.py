"""Logs that are a copy or the beginning of another one are read once."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from runlog_lines import end

from ops_checks.runlog.copies import find_copies
from ops_checks.runlog.patterns import find_logs

if TYPE_CHECKING:
    from pathlib import Path

LONG = b"".join(end(trace_id=f"trace-{number:012x}") for number in range(5000))
OTHER = LONG.replace(b"done", b"pick")

TABLE = [
    ("alone", {"a": LONG}, {}),
    ("different", {"a": LONG, "b": OTHER}, {}),
    ("the first of equal ones is kept", {"a": LONG, "b": LONG, "c": LONG}, {"b": "a", "c": "a"}),
    ("the beginning, named first", {"a": LONG[:400_000], "b": LONG}, {"a": "b"}),
    ("the beginning, named last", {"a": LONG, "b": LONG[:3000]}, {"b": "a"}),
    ("less than a line", {"a": LONG[:9], "b": LONG, "c": OTHER[:300]}, {"a": "b"}),
    ("one in the other in a third", {"a": LONG[:300], "b": LONG[:400], "c": LONG}, {"a": "c", "b": "c"}),
    ("the same beginning, then not", {"a": LONG[:300_000] + OTHER, "b": LONG}, {}),
    ("not its end", {"a": LONG, "b": LONG[1000:]}, {}),
    ("empty", {"a": b"", "b": LONG, "c": b""}, {}),
    ("packed beside its source", {"a": LONG, "a.gz": gzip.compress(LONG)}, {"a.gz": "a"}),
    ("packed, named first", {"a.gz": gzip.compress(LONG), "b": LONG}, {"a.gz": "b"}),
    ("packed before the source grew", {"a.gz": gzip.compress(LONG), "b": LONG + OTHER}, {"a.gz": "b"}),
    ("packed twice", {"a.gz": gzip.compress(LONG, 1), "b.gz": gzip.compress(LONG, 9)}, {"b.gz": "a.gz"}),
    ("not whole", {"a.gz": gzip.compress(LONG)[:-9], "b": LONG}, {}),
    ("not packed", {"a.gz": b"x", "b.gz": b"x", "c": b"x"}, {}),
]


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_need_not_be_read(folder: Path, files: dict[str, bytes], expected: dict[str, str]) -> None:
    """A log is left out if and only if another one has all its bytes from the first one on."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    found = find_copies(list(files))
    assert found.keys() == expected.keys()
    for name, whole in expected.items():  # which may be in a third one
        assert found[name] in {whole, *expected}
    assert find_copies([*files, "nowhere"]) == found


def test_what_is_left_out_is_told(folder: Path) -> None:
    """The remark names each log that was not read, and the one that was."""
    (folder / "a.jsonl").write_bytes(LONG)
    (folder / "a.jsonl.1").write_bytes(LONG[:700])
    told: list[str] = []
    assert find_logs(["a.jsonl*"], told.append) == ["a.jsonl"]
    assert told == ["a log that is a copy or the beginning of another was read once: a.jsonl.1 is in a.jsonl"]
