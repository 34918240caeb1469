"""An exported baseline: JSON Lines with a schema and a digest, streamed both ways (RECONCILE section 3).

A million rows are some 300 MB, and never all in memory: what bounds a file is the size of a line and of the whole.
It is text from outside: nothing of it counts before all of it was checked.
"""

from __future__ import annotations

import hashlib
import os
import re
from importlib.resources import files
from typing import TYPE_CHECKING, NoReturn, TypeVar

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from ops_checks.errors import InputError
from ops_checks.files.safe_open import FileKind, not_read, open_regular
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import FROM_FILE
from ops_checks.stores.baseline_json import Count, Digest, Header, Row, agreed_row, baseline_of, header_json, row_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Self

    from ops_checks.stores.baseline import AgreedRow, Baseline

    _Line = TypeVar("_Line")

#: How the files begin that an export may replace.
BEGINS = ('{"schema":"ops-checks/baseline/1"',)
_ADVICE = "export it again with `ops-checks baseline export FILE`"
_MOST_BYTES = 4 << 30
_LONGEST_LINE_BYTES = 1 << 24
BASE_FILE = FileKind("baseline", _ADVICE, most_bytes=_MOST_BYTES)


class _End(Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: whether all of it is there, as it was written."""

    rows: Count
    digest: Digest


_ENCODER = Encoder()
_HEADER, _ROW, _END = Decoder(Header), Decoder(Row), Decoder(_End)
_BEGINS_OF_END = b'{"rows":'


def base_schema() -> str:
    """Return the JSON Schema (2020-12) of the lines of an exported baseline, as text."""
    return files("ops_checks.reconcile").joinpath("schemas", "baseline-1.json").read_text(encoding="utf-8")


def base_lines(baseline: Baseline, rows: Iterable[AgreedRow]) -> Iterator[bytes]:
    """Stream a baseline as the lines of its file."""
    digest, count = hashlib.sha256(), 0
    for line in _encoded(baseline, rows):
        digest.update(line)
        count += 1
        yield line
    yield _ENCODER.encode(_End(count - 1, f"sha256:{digest.hexdigest()}")) + b"\n"


def _encoded(baseline: Baseline, rows: Iterable[AgreedRow]) -> Iterator[bytes]:
    yield _ENCODER.encode(header_json(baseline)) + b"\n"
    for row in rows:
        yield _ENCODER.encode(row_json(row)) + b"\n"


class BaseFile:
    """An exported baseline that is open for reading; a context manager. Raises InputError for whatever is none."""

    def __init__(self, path: str) -> None:
        self._path = path
        fd, _ = open_regular(path, BASE_FILE)
        self._file: IO[bytes] = os.fdopen(fd, "rb")
        self._digest = hashlib.sha256()
        self._number = 0
        try:
            self.baseline = self._header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()

    def rows(self) -> Iterator[AgreedRow]:
        """Stream its rows, once. After the last one it is checked whether all are as they were exported."""
        while not (line := self._line()).startswith(_BEGINS_OF_END):
            self._digest.update(line)
            row = self._decode(line, _ROW)
            if row.id.strip() != row.id:
                self._refuse("the id is not trimmed")
            yield agreed_row(row)
        end = self._decode(line, _END)
        if end.rows != self._number - 2 or end.digest != f"sha256:{self._digest.hexdigest()}":
            raise InputError(f"{visible(self._path)}: the baseline was changed after it was exported: {_ADVICE}")
        if self._file.read(1):
            self._refuse("something stands below the end")

    def _header(self) -> Baseline:
        line = self._line()
        self._digest.update(line)
        return baseline_of(self._decode(line, _HEADER), FROM_FILE)

    def _line(self) -> bytes:
        self._number += 1
        try:
            line = self._file.readline(_LONGEST_LINE_BYTES + 1)
        except OSError as error:
            raise not_read(self._path, error) from error
        if len(line) > _LONGEST_LINE_BYTES:
            self._refuse("a line of more than 16 MB")
        if not line.endswith(b"\n"):
            self._refuse("it ends too early")
        if self._file.tell() > _MOST_BYTES:  # it may have grown since it was opened
            self._refuse(f"over {_MOST_BYTES:,} bytes")
        return line

    def _decode(self, line: bytes, decoder: Decoder[_Line]) -> _Line:
        try:
            found = decoder.decode(line)
        except (DecodeError, UnicodeError, RecursionError) as error:
            self._refuse(_REASON.sub("", visible(str(error)))[:200])
        if _ENCODER.encode(found) + b"\n" != line:  # a key twice, other blanks: another program read something else
            self._refuse("is not written as an export writes it")
        return found

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"{visible(self._path)}:{self._number}: no line of a baseline ({what}): {_ADVICE}")


_REASON = re.compile(r"^JSON is malformed: ")
