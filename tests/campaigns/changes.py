"""Changes to an operation that several tables of situations make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaigns.operation import ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.campaigns.operation import Operation

    Change = Callable[[Operation], object]


def together(*changes: Change) -> Change:
    """Return one change that makes several."""
    return lambda op: [change(op) for change in changes]


def alone(*changes: Change) -> Change:
    """Return the changes for an operation that is not to be filled up with healthy items."""
    return together(*changes, lambda op: setattr(op, "pads", False))


def with_policy(text: str) -> Change:
    """Give the operation a policy."""
    return lambda op: setattr(op, "policy", text)


def with_args(*argv: str) -> Change:
    """Give the command more arguments."""
    return lambda op: op.argv.extend(argv)


def with_env(**environ: str) -> Change:
    """Set environment variables."""
    return lambda op: op.env.update(environ)


def with_log(edit: Callable[[bytes], bytes]) -> Change:
    """Change the bytes of the run log."""
    return lambda op: setattr(op, "edit_log", edit)


def with_line(text: bytes) -> Change:
    """Insert a line after the first of the run log."""
    return with_log(lambda data: data.replace(b"\n", b"\n" + text + b"\n", 1))


def outcomes(done: int, failed: int) -> Change:
    """Let there be so many task outcomes."""

    def change(op: Operation) -> None:
        commands = ["done"] * done + ["fail"] * failed
        op.runs = [record for number, command in enumerate(commands) for record in ended(number, command, 1)]

    return change


def stale(op: Operation) -> None:
    """Let ORCH-102 have been in progress for 61 minutes."""
    op.both("ORCH-102", "started_at_kst", "2026-01-01 10:59")


def lacks(op: Operation) -> None:
    """Take ORCH-103 out of the database."""
    op.db.pop(2)


def then(*changes: Callable[[Path], object]) -> Change:
    """Change the folder when everything is laid down."""
    return lambda op: op.after.extend(changes)


def replaced(name: str, make: Callable[[Path], object]) -> Change:
    """Put something else in the place of a file."""
    return then(lambda folder: (folder / name).unlink(), lambda folder: make(folder / name))


def linked(name: str) -> Change:
    """Put a file elsewhere, and a symlink in its place."""

    def move(folder: Path) -> None:
        (folder / "real").mkdir(exist_ok=True)
        (folder / name).rename(folder / "real" / name)
        (folder / name).symlink_to(f"real/{name}")

    return then(move)
