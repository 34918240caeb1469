"""The exit codes of every command and of the gate (FORMATS section 7): the one table of them.

Help texts, the README, the errors and both faces read it. No `enum`: its import takes longer than `status` works.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class ExitCode(int):
    """An exit code, which is a plain integer to the system, with its meaning in a few words."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> Self:
        """Return the code of a number."""
        code = super().__new__(cls, number)
        code.meaning = meaning
        return code

    def __getnewargs__(self) -> tuple[int, str]:  # type: ignore[override] # an integer's has one part
        """Return what a copy is made of."""
        return int(self), self.meaning


OK = ExitCode(0, "done; nothing to report")
DRIFT = ExitCode(1, "drift: the queues do not agree")
ALERT = ExitCode(2, "KPI alert, with --fail-on-alert or in the gate")
NOT_EVALUATED = ExitCode(
    3, "could not evaluate or carry out: an input is missing, unreadable or malformed, or a write failed"
)
USAGE = ExitCode(4, "usage: unknown flag, bad value, invalid policy file")
REFUSED = ExitCode(
    5, "refused by a safety check: unknown id, terminal item, not eligible, attempts used up, read-only queue"
)
TIMED_OUT = ExitCode(124, "`wait` ran out of time")
INTERRUPTED = ExitCode(130, "interrupted")

#: Every exit code there is, in order.
EXIT_CODES = (OK, DRIFT, ALERT, NOT_EVALUATED, USAGE, REFUSED, TIMED_OUT, INTERRUPTED)
