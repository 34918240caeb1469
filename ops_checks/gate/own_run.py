"""How one of the project's own rules is asked, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ops_checks.findings import Finding
    from ops_checks.report.model import InputRead


class Ran(NamedTuple):
    """What one rule found: the findings that are kept, of `total`, and what it read; `left_out`: why it was not run.

    `remarks` are lines on how it was read.
    """

    findings: tuple[Finding, ...] = ()
    total: int = 0
    inputs: tuple[InputRead, ...] = ()
    left_out: str = ""
    remarks: tuple[str, ...] = ()


class Request(NamedTuple):
    """How a rule is to be run: `keep` findings are kept (0: all; None: as many as is usual), `document`: see Asked."""

    keep: int | None
    document: bool
