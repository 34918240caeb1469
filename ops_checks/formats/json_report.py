"""The published report (`schemas/report.schema.json`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.report.published import json_text, to_json

if TYPE_CHECKING:
    from ops_checks.formats import Setting
    from ops_checks.report import Report


def render(report: Report, _setting: Setting) -> str:
    """Return the report's published JSON, indented, safe to print."""
    return json_text(to_json(report))
