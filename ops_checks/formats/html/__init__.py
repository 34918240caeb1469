"""The report as one page of HTML: self-contained, without scripts, with plots as inline SVG."""

from ops_checks.formats.html.page import FORMAT

__all__ = ["FORMAT"]
