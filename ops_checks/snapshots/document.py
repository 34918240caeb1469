"""The snapshot file: one JSON document with a schema and a digest, streamed when it is written.

The digest is that of plans: sha256 over the canonical JSON (keys sorted, no blanks, UTF-8) of all but itself. Every row
stands on a line of its own. Texts that do not print are escaped, as in every JSON of ours.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Raw, Struct, to_builtins
from msgspec.json import Encoder

from ops_checks.report.json_text import printable_json
from ops_checks.snapshots.kpi_rows import Kpis  # noqa: TC001 - the type of a field
from ops_checks.stores.baseline_json import Count, Digest, Header, Name  # noqa: TC001 - types of fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.stores.baseline_json import Row

SCHEMA: Literal["ops-checks/snapshot/1"] = "ops-checks/snapshot/1"
#: How the files begin that a snapshot may replace.
BEGINS = ('{"schema":"ops-checks/snapshot/1"',)

#: Epoch milliseconds of the years 1970 to 9999.
_Milliseconds = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
_Zone = Annotated[int, Meta(ge=-840, le=840)]


class ItemRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One item: its nine cells, and its times as stored."""

    id: Name
    status: Literal["PENDING", "IN_PROGRESS", "BLOCKED", "DONE", "FAILED"]
    priority: Literal["P0", "P1", "P2"]
    task: str
    success_criteria: str
    owner_session: str
    started_at_kst: str
    due_at_kst: str
    notes: str
    created_at: str | None
    updated_at: str | None


class DatabaseRead(Struct, frozen=True, forbid_unknown_fields=True):
    """The database: where it was, what identifies its state, the time of its newest event as stored.

    `gone`: the ids of items that have events and no row.
    """

    location: str
    identity: str
    newest_event: str | None
    items: Count
    gone: list[str]


class Head(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a snapshot but its rows: small, and known before they are streamed."""

    schema: Literal["ops-checks/snapshot/1"]
    made_at: str
    made_ms: _Milliseconds
    tool: str
    timezone_minutes: _Zone
    db: DatabaseRead
    kpis: Kpis


class RawBaseline(Struct, frozen=True, forbid_unknown_fields=True):
    """The newest agreement, its rows not decoded yet."""

    header: Header
    rows: list[Raw]


class Whole(Head, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A snapshot as it is read, its rows not decoded yet."""

    baseline: RawBaseline | None
    items: list[Raw]
    digest: Digest


_ENCODER = Encoder(order="sorted")


def snapshot_schema() -> str:
    """Return the JSON Schema (2020-12) of snapshot files, as text."""
    return files("ops_checks.snapshots").joinpath("schemas", "snapshot-1.json").read_text(encoding="utf-8")


class Document:
    """A snapshot as the bytes of its file; `digest` is known when all of them were streamed, once."""

    def __init__(self, head: Head, header: Header | None, rows: Iterable[Row], items: Iterable[ItemRow]) -> None:
        self.digest = ""
        self._parts = {
            name: _canonical(part) for name, part in _plain(to_builtins(head, enc_hook=str)).items()
        }  # a server's location is a str
        self._header = header
        self._rows = rows
        self._items = items
        self._hash = hashlib.sha256()

    def chunks(self) -> Iterator[bytes]:
        """Stream the file, the two long lists in the order in which the digest has them, where keys are sorted."""
        yield ("{" + "".join(f'"{name}":{printable_json(text)},\n' for name, text in self._parts.items())).encode()
        self._hash.update(b'{"baseline":')
        if self._header is None:
            self._hash.update(b"null")
            yield b'"baseline":null'
        else:
            header = b'{"header":' + _ENCODER.encode(self._header) + b',"rows":['
            self._hash.update(header)
            yield b'"baseline":' + _printable(header)
            yield from self._list(self._rows)
            self._hash.update(b"}")
            yield b"}"
        self._hash.update(f',"db":{self._parts["db"]},"items":['.encode())
        yield b',\n"items":['
        yield from self._list(self._items)
        after = sorted(name for name in self._parts if name != "db")
        self._hash.update("".join(f',"{name}":{self._parts[name]}' for name in after).encode() + b"}")
        self.digest = f"sha256:{self._hash.hexdigest()}"
        yield f',\n"digest":"{self.digest}"}}\n'.encode()

    def _list(self, rows: Iterable[Struct]) -> Iterator[bytes]:
        before = b""
        for row in rows:
            line = _ENCODER.encode(row)
            self._hash.update(before + line)
            yield before + b"\n" + _printable(line)
            before = b","
        self._hash.update(b"]")
        yield b"]"


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _printable(line: bytes) -> bytes:
    text = line.decode()
    printable = printable_json(text)
    return line if printable is text else printable.encode()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value whose texts are UTF-8: a path on the host need not be, and it is only shown."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
