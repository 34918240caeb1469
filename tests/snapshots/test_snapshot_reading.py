"""A snapshot file comes back as it was, and nothing else passes for one: text from outside, whoever signed it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from builders import item, make_database
from conftest import NOW_S
from hypothesis import given
from hypothesis import strategies as st
from json_checks import validator
from snapshot_files import forged, signed

from ops_checks.errors import InputError, RefusedError
from ops_checks.model import FIELDS, Item
from ops_checks.snapshots.document import SCHEMA, DatabaseRead, Document, Head, ItemRow
from ops_checks.snapshots.kpi_rows import Kpis, MetricRow, RetriesRow, Settings
from ops_checks.snapshots.reading import read_snapshot
from ops_checks.stores.baseline import AgreedRow, Baseline
from ops_checks.stores.baseline_json import header_json, row_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

METRIC = MetricRow(
    rule="failure-rate", value=0.5, unit="ratio", samples=2, low=0.1, high=0.9, unread=0, total=1, by_limit=False,
    always=1, totals=[], below=True, findings=[],
)  # fmt: skip
BASELINE = Baseline(7, "q-1", "2026-01-01 10:00", "kim", "QUEUE.md", "sha256:" + "0" * 64, None, 2, "ops-checks 1")
ITEMS = [item("ORCH-1"), item("ORCH-2", "DONE", "P0")]


def document(items: Iterable[Item] = ITEMS, *, agreed: bool = True) -> bytes:
    """Return the bytes of a snapshot."""
    items = list(items)
    head = Head(
        schema=SCHEMA,
        made_at="2026-01-02T00:00:00+09:00",
        made_ms=NOW_S * 1000,
        tool="ops-checks 1",
        timezone_minutes=540,
        db=DatabaseRead("queue.db", "event_id=3", None, len(items), []),
        kpis=Kpis(Settings(None, None, 60), [METRIC], [], RetriesRow(0, 0, 0), []),
    )
    rows = (row_json(AgreedRow(tuple(each), number)) for number, each in enumerate(items))
    values: Any = (ItemRow(*each, None, None) for each in items)
    header = header_json(BASELINE) if agreed else None
    return b"".join(Document(head, header, rows if agreed else (), values).chunks())


WHOLE = document()


def read(path: Path, data: bytes) -> list[Item]:
    """Return the items of a file."""
    path.write_bytes(data)
    return list(read_snapshot(str(path)).store)


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("items", [[], ITEMS])
def test_it_comes_back(tmp_path: Path, items: list[Item], agreed: bool) -> None:  # noqa: FBT001 - a table
    """It follows the published schema, its digest is what the schema says, and its rows are what they were."""
    data = document(items, agreed=agreed)
    found = json.loads(data)
    validator("snapshot").validate(found)
    assert json.loads(signed(found)) == found
    assert read(tmp_path / "state.json", data) == items


@pytest.mark.parametrize("indent", [None, 1, "\t"])
def test_layout_is_free(tmp_path: Path, indent: Any) -> None:
    """Another program may lay it out anew, with keys in any order and texts escaped: it says the same."""
    found = json.loads(WHOLE)
    data = json.dumps(dict(sorted(found.items(), reverse=True)), indent=indent).encode()
    assert read(tmp_path / "state.json", data) == ITEMS


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(*[_TEXT] * 6), max_size=3))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, ...]]) -> None:
    """Whatever stands in the cells, of the items and of the baseline; and in the file nothing is but what prints."""
    items = [item(f"T-{number}", **dict(zip(FIELDS[3:], cells, strict=True))) for number, cells in enumerate(texts)]
    data = document(items)
    assert data.decode().replace("\n", "").isprintable()
    path = tmp_path_factory.mktemp("snapshot") / "state.json"
    path.write_bytes(data)
    store = read_snapshot(str(path)).store
    with store.snapshot() as snapshot:
        assert [tuple(row.cells) for row in snapshot.agreement().every_row()] == [tuple(each) for each in items]
        rows = store._connection.execute(f"SELECT {', '.join(FIELDS)} FROM queue_items").fetchall()
        assert rows == [tuple(each) for each in items]


def changed(old: bytes, new: bytes) -> bytes:
    """Return a snapshot with other bytes and the digest that it had."""
    assert WHOLE.count(old) >= 1, old
    return WHOLE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{}", "it is another document"),
        (b"[]", "no snapshot ("),
        (b"null", "no snapshot ("),
        (b"\xff", "no snapshot ("),
        (b"\xef\xbb\xbf" + WHOLE, "no snapshot ("),
        (b"[" * 100_000, "no snapshot ("),
        (b'{"a":' * 100_000, "no snapshot ("),
        (b'{"schema_version":"1.0"}', "it is another document"),
        (b'{"schema":"ops-checks/reconcile-plan/1"}', "it is another document, ops-checks/reconcile-plan/1"),
        (
            b'{"schema":"ops-checks/snapshot/2","new":1}',
            "its schema is ops-checks/snapshot/2, expected ops-checks/snap",
        ),
        (WHOLE[:-2], "no snapshot ("),
        (WHOLE[: len(WHOLE) // 2], "no snapshot ("),
        (WHOLE + b"{}", "no snapshot ("),
        (changed(b"DONE", b"GONE"), "baseline.rows[1]: Invalid enum value"),
        (changed(b'"ORCH-2"', b'"ORCH-3"'), "the snapshot was changed after it was made"),
        (changed(b'"samples":2', b'"samples":3'), "the snapshot was changed after it was made"),
        (changed(b'"made_ms":1767279600000', b'"made_ms":1767279600001'), "the snapshot was changed after it was made"),
        (changed(b'"made_ms":', b'"made_ms":1767279600000,\n"made_ms":'), "the key made_ms stands twice"),
        (changed(b'"priority":"P1","', b'"priority":"P1","priority":"P1","'), "the key priority stands twice"),
        (changed(b'"unit":"ratio"', b'"unit":"ratio","unit":"ratio"'), "the key unit stands twice"),
        (changed(b'"value":0.5', b'"value":NaN'), "no snapshot ("),
        (changed(b'"value":0.5', b'"value":1e999'), "no snapshot ("),
        (changed(b'"digest":"sha256:', b'"digest":"md5:'), "no snapshot ("),
    ],
)
def test_what_is_no_snapshot(tmp_path: Path, data: bytes, found: str) -> None:
    """It is one line that names the file and says what to do."""
    refused(tmp_path, data, found)


def refused(tmp_path: Path, data: bytes, found: str) -> None:
    """Assert that a file is refused in one line."""
    path = tmp_path / "state.json"
    with pytest.raises(InputError) as error:
        read(path, data)
    assert error.value.message.startswith(f"{path}: ") or error.value.message.startswith(f"{path}:1:")
    assert found in error.value.message
    assert error.value.message.endswith("make it again with `ops-checks snapshot -o FILE` where the database is")
    assert "\n" not in error.value.message
    assert not error.value.details
    assert len(error.value.message) < len(str(path)) + 500


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets a value inside of a document."""

    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data: data["items"].append(data["items"][0]), "db.items is 2, and there are 3 items"),
        (put("items", 1, "id", value="ORCH-1"), "items[1]: ORCH-1 stands twice"),
        (put("items", 0, "id", value=""), "items[0]: Expected `str` of length >= 1"),
        (put("items", 0, "status", value="pending"), "items[0]: Invalid enum value 'pending'"),
        (put("items", 0, "priority", value=None), "items[0]: "),
        (put("items", 0, "task", value=7), "items[0]: Expected `str`, got `int`"),
        (put("items", 0, "due_at_kst", value=None), "items[0]: "),
        (put("items", 0, "more", value=1), "items[0]: Object contains unknown field `more`"),
        (put("items", 0, value=[]), "items[0]: Expected `object`"),
        (put("items", value={}), "no snapshot ("),
        (lambda data: data["items"][0].pop("notes"), "items[0]: Object missing required field `notes`"),
        (put("baseline", "rows", 1, "id", value="ORCH-1"), "baseline.rows[1]: ORCH-1 stands twice"),
        (put("baseline", "rows", 0, "cells", "status", value="GONE"), "baseline.rows[0]: "),
        (put("baseline", "header", "id", value="b-0"), "no snapshot ("),
        (put("baseline", "header", "schema", value="x"), "no snapshot ("),
        (put("baseline", "header", "items", value=-1), "no snapshot ("),
        (put("baseline", "header", "items", value=2**63), "no snapshot ("),
        (put("made_ms", value=NOW_S * 1000 + 60_000), "made_at is 2026-01-02T00:00:00+09:00, and made_ms another time"),
        (put("made_ms", value=-1), "no snapshot ("),
        (put("made_ms", value=10**30), "no snapshot ("),
        (put("made_ms", value=1.5), "no snapshot ("),
        (put("made_at", value="today"), "made_at is today"),
        (put("timezone_minutes", value=10_000), "no snapshot ("),
        (put("timezone_minutes", value=True), "no snapshot ("),
        (put("db", "items", value=-2), "no snapshot ("),
        (put("kpis", value=None), "no snapshot ("),
        (put("kpis", "metrics", 0, "value", value=1.5), "value, low and high are not what was measured"),
        (put("kpis", "metrics", 0, "value", value=-0.5), "value, low and high are not what was measured"),
        (put("kpis", "metrics", 0, "value", value=0.05), "value, low and high are not what was measured"),
        (put("kpis", "metrics", 0, "value", value="0.5"), "no snapshot ("),
        (put("kpis", "metrics", 0, "value", value=True), "no snapshot ("),
        (put("kpis", "metrics", 0, "samples", value=-1), "no snapshot ("),
        (lambda data: data["kpis"]["metrics"].append(data["kpis"]["metrics"][0]), "(failure-rate): stands twice"),
        (put("kpis", "metrics", 0, "rule", value=""), "no snapshot ("),
        (put("schema", value="ops-checks/snapshot/10"), "its schema is ops-checks/snapshot/10"),
        (put("more", value=1), "no snapshot ("),
        (lambda data: data.pop("items"), "no snapshot ("),
    ],
)
def test_nonsense_that_is_signed(tmp_path: Path, change: Callable[[dict[str, Any]], Any], found: str) -> None:
    """Whoever has computed the digest anew: what no snapshot says is refused, and named."""
    refused(tmp_path, forged(WHOLE, change), found)


def test_what_is_refused_is_not_of_the_schema_or_says_two_things() -> None:
    """A change that the reader lets pass follows the schema, too."""
    validator("snapshot").validate(json.loads(forged(WHOLE, put("items", 0, "task", value="another"))))


def test_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    """A folder, a pipe and a missing file are one line each."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(InputError, match=r"snapshot"):
            read_snapshot(str(path))


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """It is refused before it is read."""
    with (tmp_path / "state.json").open("wb") as file:
        file.truncate((2 << 30) + 1)
    with pytest.raises(InputError, match=r"over 2,147,483,648 bytes|bytes"):
        read_snapshot(str(tmp_path / "state.json"))


def test_a_database_is_none(tmp_path: Path) -> None:
    """Nor is any other file of a project."""
    path = make_database(tmp_path / "queue.db", ITEMS)
    with pytest.raises(InputError, match="no snapshot"):
        read_snapshot(path)


def test_it_is_only_read(tmp_path: Path) -> None:
    """No operation changes the rows of a snapshot; what needs events or leases is an error."""
    (tmp_path / "state.json").write_bytes(WHOLE)
    store = read_snapshot(str(tmp_path / "state.json")).store
    for write in (
        store.must_be_writable,
        lambda: store.change("ORCH-1", lambda *_: None),
        store.transaction,
        store.series,
        lambda: store.change_together(["ORCH-1"], lambda *_: None),
    ):
        with pytest.raises(RefusedError, match="a snapshot is only read"):
            write()
    assert not store.may_be_written()
    with store.snapshot() as snapshot:
        for lacking in (
            lambda: list(snapshot.events("ORCH-1")),
            lambda: list(snapshot.recorded()),
            snapshot.retry_count,
            lambda: list(snapshot.retries()),
            lambda: list(snapshot.retry_times()),
            lambda: list(snapshot.events_of(["added"])),
            lambda: list(snapshot.leases_beyond(0.0)),
            snapshot.tables,
        ):
            with pytest.raises(InputError, match=r"a snapshot has no (events|leases): run this where"):
                lacking()
        assert list(snapshot.pending_since()) == []
        assert snapshot.get("ORCH-2") == ITEMS[1]
        assert snapshot.agreement().baseline() == BASELINE
        assert not snapshot.changed()
