"""A gate run ↔ its line in a history (`schemas/history.schema.json`): one JSON object, which begins with its schema."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from msgspec import MsgspecError, to_builtins
from msgspec.json import decode

from ops_checks.report.gate_run import GateRun
from ops_checks.report.json_text import json_line
from ops_checks.report.serialize import iso_utc

HISTORY_SCHEMA = "ops-checks/history/1"
_OF_ANY_VERSION = "ops-checks/history/"
#: How the lines of every version begin.
_BEGINS = f'{{"schema": "{_OF_ANY_VERSION}'.encode()

#: What a line is: a run, or what is no run that can be read here.
RUN, TORN, NEWER, FOREIGN = "run", "torn", "newer", "foreign"


def history_schema() -> str:
    """Return the JSON Schema (2020-12) of a line, as text."""
    return files("ops_checks.report").joinpath("schemas", "history.schema.json").read_text(encoding="utf-8")


def history_line(run: GateRun) -> bytes:
    """Return the line of a run, with its line end. It is safe to print anywhere."""
    data: dict[str, Any] = to_builtins(run)
    return json_line({"schema": HISTORY_SCHEMA, "at": iso_utc(run.at_ms), **data}).encode() + b"\n"


def read_line(line: bytes) -> tuple[str, GateRun | None]:
    """Return what a line is (RUN, TORN, NEWER or FOREIGN), and the run if it is one; it may lack its line end.

    Torn is what begins as ours do, and is not whole: its writer was killed.
    """
    if not _may_be_own(line):
        return FOREIGN, None
    try:
        data = decode(line)
        schema = data["schema"]
    except (MsgspecError, RecursionError, UnicodeError, TypeError, KeyError):
        return TORN, None
    if schema != HISTORY_SCHEMA:
        return NEWER, None
    try:
        return RUN, decode(line, type=GateRun)
    except MsgspecError:
        return FOREIGN, None


def is_history(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a history: one of its lines begins as ours do.

    A file that holds nothing but the beginning of such a line is one too: its first writer was killed.
    """
    lines = head.split(b"\n")
    return any(line.startswith(_BEGINS) for line in lines) or all(map(_may_be_own, filter(None, lines)))


def _may_be_own(line: bytes) -> bool:
    """Return whether a line begins as ours do, as far as there is anything of it."""
    return line.startswith(_BEGINS) or _BEGINS.startswith(line)
