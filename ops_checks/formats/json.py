"""The published report (`report/schemas/report.schema.json`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.report.json_text import json_text
from ops_checks.report.serialize import to_json

if TYPE_CHECKING:
    from ops_checks.report.model import Report


def render(report: Report, _options: RenderOptions) -> str:
    """Return the report's published JSON, indented, safe to print."""
    return json_text(to_json(report))


FORMAT = Format(
    help="the published report (ops-checks schema report)",
    extension=".json",
    media_type="application/json",
    begins=('{"schema_version": "…", "tool": {"name": "ops-checks"', '{"schema": "ops-checks/error/'),
    render=render,
)
