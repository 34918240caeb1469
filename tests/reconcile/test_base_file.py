"""An exported baseline comes back as it was, and nothing else passes for one (RECONCILE section 3)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ops_checks.errors import InputError
from ops_checks.model import FIELDS
from ops_checks.reconcile.base_file import BaseFile, base_lines, base_schema
from ops_checks.stores.baseline import AgreedRow, Baseline
from ops_checks.stores.sqlite.temporary_base import TemporaryBase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DIGEST = "sha256:" + "0" * 64
BASELINE = Baseline(7, "q-1", "2026-01-01 10:00", "kim", "QUEUE.md", _DIGEST, "a" * 40, 2, "ops-checks 1")
CELLS = ("PENDING", "P1", "task", "done", "-", "-", "-", "")
ROWS = [
    AgreedRow(("ORCH-1", *CELLS), 7, 3, "2026-01-01 10:00", "a" * 40),
    AgreedRow(("ORCH-2", None, *CELLS[1:]), 8, None, "2026-01-01 10:00", None),
]
VALIDATOR = Draft202012Validator(json.loads(base_schema()))


def exported(baseline: Baseline = BASELINE, rows: Iterable[AgreedRow] = ROWS) -> bytes:
    """Return the bytes of an exported baseline."""
    return b"".join(base_lines(baseline, rows))


def resigned(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of an exported baseline with these lines, whoever wrote them, and an end of their own."""
    body = b"".join(lines)
    end = {"rows": body.count(b"\n") - 1, "digest": "sha256:" + hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def read(path: Path) -> tuple[Baseline, list[AgreedRow]]:
    """Return what a file holds."""
    with BaseFile(str(path)) as file:
        return file.baseline, list(file.rows())


def test_it_comes_back(tmp_path: Path) -> None:
    """Every line follows the published schema, and what is read is what was exported."""
    path = tmp_path / "base.jsonl"
    path.write_bytes(exported())
    for line in path.read_bytes().splitlines():
        VALIDATOR.validate(json.loads(line))
    assert read(path) == (BASELINE._replace(source="file"), ROWS)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(*[_TEXT] * 6), max_size=3))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, ...]]) -> None:
    """Whatever stands in the cells."""
    rows = [AgreedRow((f"T-{number}", "DONE", "P0", *cells), number) for number, cells in enumerate(texts)]
    path = tmp_path_factory.mktemp("base") / "base.jsonl"
    path.write_bytes(exported(rows=rows))
    assert read(path)[1] == rows


HEADER, FIRST, SECOND, END = exported().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", ":1: no line of a baseline (it ends too early)"),
        (b"{}\n", ":1: no line of a baseline ("),
        (b"[]\n", ":1: no line of a baseline ("),
        (b"\xff\n", ":1: no line of a baseline ("),
        (b"[" * 100_000 + b"\n", ":1: no line of a baseline ("),
        (HEADER, ":2: no line of a baseline (it ends too early)"),
        (HEADER + FIRST, ":3: no line of a baseline (it ends too early)"),
        (HEADER + FIRST + SECOND + END[:-1], ":4: no line of a baseline (it ends too early)"),
        (HEADER + FIRST + END, ": the baseline was changed after it was exported"),
        (HEADER + SECOND + FIRST + END, ": the baseline was changed after it was exported"),
        (HEADER + FIRST + SECOND + END + b"\n", ":4: no line of a baseline (something stands below the end)"),
        (resigned([HEADER.replace(b"baseline/1", b"baseline/2")]), ":1: no line of a baseline ("),
        (resigned([HEADER.replace(b'"b-7"', b'"b-0"')]), ":1: no line of a baseline ("),
        (resigned([HEADER.replace(b'"b-7"', rb'"b-7\n"')]), ":1: no line of a baseline ("),
        (resigned([HEADER.replace(b'"items":2', b'"items":-2')]), ":1: no line of a baseline ("),
        (resigned([HEADER.replace(b'"items":2', b'"items":2,"items":2')]), "not written as an export writes it"),
        (resigned([HEADER.replace(b'"items":2', b'"items": 2')]), "not written as an export writes it"),
        (resigned([HEADER.replace(b'"items":2', b'"items":2,"more":1')]), ":1: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b"PENDING", b"GONE")]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b'"P1"', b'"P9"')]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b"ORCH-1", b"")]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b"ORCH-1", b" ORCH-1")]), "the id is not trimmed"),
        (resigned([HEADER, FIRST.replace(b'"ordinal":7', b'"ordinal":true')]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b'"event_id":3', b'"event_id":1e3')]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST.replace(b'"task":"task",', b"")]), ":2: no line of a baseline ("),
        (resigned([HEADER, FIRST, HEADER]), ":3: no line of a baseline ("),
    ],
)
def test_what_is_no_baseline(tmp_path: Path, data: bytes, found: str) -> None:
    """It is one line that names the line, whoever has computed the digest."""
    path = tmp_path / "base.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        read(path)
    assert error.value.message.startswith(f"{path}:")
    assert found in error.value.message
    assert error.value.message.endswith("export it again with `ops-checks baseline export FILE`")
    assert "\n" not in error.value.message


def test_an_item_twice(tmp_path: Path) -> None:
    """It is refused, and named."""
    path = tmp_path / "base.jsonl"
    path.write_bytes(exported(rows=[ROWS[0], ROWS[0]]))
    with BaseFile(str(path)) as file, pytest.raises(InputError, match="ORCH-1 stands twice"):
        TemporaryBase(str(path), file.baseline, file.rows())


def test_one_bit_is_enough(tmp_path: Path) -> None:
    """A file of which one bit was changed is none, wherever that is."""
    whole, path = exported(), tmp_path / "base.jsonl"
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(InputError):
            read(path)


def test_it_is_counted_for_a_database(tmp_path: Path) -> None:
    """What was agreed wholly, in part, and wholly but is gone; rows as they were, in the document's order."""
    gone = AgreedRow(("ORCH-3", *CELLS), 5)
    with TemporaryBase("base", BASELINE, [*ROWS, gone]) as base:
        reader = base.reader(["ORCH-1", "ORCH-2", "ORCH-9"], event_id=5)
        assert reader.counts() == (2, 1, 1)
        assert reader.rows(["ORCH-1", "ORCH-3", "ORCH-9"]) == {"ORCH-1": ROWS[0], "ORCH-3": gone._replace(event_id=5)}
        assert reader.above(["ORCH-1"]) == {"ORCH-1": "ORCH-3"}
        assert [row.cells[0] for row in reader.every_row()] == ["ORCH-3", "ORCH-1", "ORCH-2"]
    assert len(FIELDS) == len(ROWS[0].cells)
