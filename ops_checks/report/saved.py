"""Read a report that was saved in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.report.parse import parse_report
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.report.model import Report

SAVED_REPORT = FileKind("report", "name a file that --format json wrote", most_bytes=1 << 28)


def read_report(path: str) -> Report:
    """Return the report in a file. Raises InputError, which says what the file is instead where that is known."""
    data = read_regular(path, SAVED_REPORT)
    try:
        return parse_report(data, path)
    except InputError:
        from ops_checks.files.contents import explain

        what = explain(data, SAVED_REPORT)
        if what:
            raise InputError(f"{visible(path)}: {what}") from None
        raise
