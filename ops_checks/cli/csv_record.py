"""Values as a record of CSV (RFC 4180), with nothing in it that a spreadsheet would carry out."""

from __future__ import annotations

from ops_checks.model import NOTHING
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: The first characters of a cell that a spreadsheet takes for a formula (OWASP, CSV injection), wide ones included.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def csv_record(values: Iterable[object]) -> str:
    """Return a record of RFC 4180 without its line end, every cell quoted; None is an empty one.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises. What cannot be
    seen is escaped, line breaks included, so that a record is one line.
    """
    return ",".join(_quoted(_as_cell(value)) for value in values)


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)  # a number is no formula
    is_formula = value != NOTHING and not _FORMULA.isdisjoint(value[:1] + value.lstrip()[:1])
    return visible(f"'{value}" if is_formula else value)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
