"""What the rows that a rule in SQL returns mean: a finding for each item that the first column names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.findings import Finding
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ops_checks.findings import Place

#: So many findings are kept unless somebody asks for more.
DEFAULT_KEEP = 50
#: So many columns of a row are shown beside the id, and so many characters of a name and of a value.
SHOWN_COLUMNS = 8
_NAME = 40
_VALUE = 80
#: In characters; a text that was cut is longer.
LONGEST_ID = 1000


def findings_of(
    rule: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    place: Callable[[str], Place],
    keep: int | None,
) -> tuple[tuple[Finding, ...], int]:
    """Return the first `keep` findings (0: all; None: DEFAULT_KEEP) in the rows' order, and how many there are.

    An item counts once, as a waiver and a fingerprint have it: its first row is shown, further ones are counted in the
    message. Raises InputError for a row that names no item.
    """
    keep = DEFAULT_KEEP if keep is None else keep
    shown: dict[str, str] = {}
    times: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        item = _id(row[0], number)
        times[item] = times.get(item, 0) + 1
        if times[item] == 1 and (not keep or len(shown) < keep):
            shown[item] = _cells(columns[1:], row[1:])
    kept = tuple(
        Finding(rule, _message(item, cells, times[item]), item, places=(place(item),)) for item, cells in shown.items()
    )
    return kept, len(times)


def _id(value: object, number: int) -> str:
    """Return the id that a row names as text. Raises InputError."""
    item = "" if value is None else plain(value)
    if item and len(item) <= LONGEST_ID:
        return item
    what = "is null" if value is None else f"has more than {LONGEST_ID} characters" if item else "is empty"
    raise InputError(f"the first column of row {number} {what}: expected an item's id")


def plain(value: object) -> str:
    """Return a value of a database as SQL writes it, a text as itself."""
    if isinstance(value, bytes):
        return f"x'{value[:LONGEST_ID].hex()}'"
    return "null" if value is None else str(value)


def _cells(names: Sequence[str], values: Sequence[object]) -> str:
    shown = [f"{_cut(name, _NAME)}={_cut(plain(value), _VALUE)}" for name, value in zip(names, values, strict=False)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _cut(text: str, most: int) -> str:
    """Return a text on one line, with what cannot be seen escaped, and at most so long."""
    escaped = visible(text[: most + 1])
    return escaped if len(escaped) <= most else f"{escaped[: most - 1]}…"


def _message(item: str, cells: str, times: int) -> str:
    rows = f"({times} rows)" if times > 1 else ""
    return " ".join(part for part in (item, cells or "is found", rows) if part)
