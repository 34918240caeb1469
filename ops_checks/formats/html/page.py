"""The page: what is new first, then each rule that is not met, then what lies behind it, then the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.presentation.format import Format, RenderOptions

if TYPE_CHECKING:
    from ops_checks.report.model import Report

_BEGIN = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="ops-checks">\n'
)


def render(report: Report, _options: RenderOptions) -> str:
    """Return the report as a page of HTML of at most 1 MB, whatever is in the report."""
    from ops_checks.formats.html.document import document

    return f"{_BEGIN}{document(report)}\n"


FORMAT = Format(
    help="one page for people, with plots; opens from a file",
    extension=".html",
    media_type="text/html",
    begins=(_BEGIN,),
    extra="html",
    module="jinja2",
    background=True,
    render=render,
)
