"""What all campaigns share: what a run comes to, and a folder to work in.

A campaign is a module of this folder with

- a docstring whose first line says what is proven,
- `SMALL`, the size that the tests run, and `LONG`, the size that `ci/campaign NAME` runs,
- `run(size, report) -> Outcome`; `report` takes a line of progress.

Modules import each other as `tests.campaigns.NAME`: the project's folder is on the path.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: So many failures are told; of more only the number.
_TOLD = 20


@dataclass(frozen=True)
class Outcome:
    """What a campaign counted, and what it found wrong.

    `valid` is false if it did too little to prove anything (or could not run here): that is not
    green. `failures` are one line each.
    """

    figures: dict[str, int]
    failures: list[str]
    valid: bool

    @property
    def exit_code(self) -> int:
        """0: proven. 1: broken. 3: not shown, because too little was done."""
        return 1 if self.failures else 0 if self.valid else 3

    def lines(self, name: str) -> list[str]:
        """Return the failures, and last the line of figures."""
        told = [f"  {failure}" for failure in self.failures[:_TOLD]]
        if len(self.failures) > _TOLD:
            told.append(f"  and {len(self.failures) - _TOLD} more")
        verdict = ("ok", "BROKEN", "", "INVALID (too little was done)")[self.exit_code]
        figures = " ".join(f"{key}={value}" for key, value in self.figures.items())
        return [*told, f"{name}: {verdict} failures={len(self.failures)} {figures}"]


@dataclass
class Tally:
    """Counts and failures while a campaign runs."""

    figures: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a figure."""
        self.figures[what] += number

    def check(self, what: str, *, holds: bool) -> None:
        """Count a check, and keep what it says if it does not hold."""
        self.figures["checks"] += 1
        if not holds:
            self.failures.append(what)

    def outcome(self, least: Mapping[str, int]) -> Outcome:
        """Return the outcome; it is valid if every figure that is named in `least` reached its number."""
        valid = all(self.figures[what] >= number for what, number in least.items())
        return Outcome(dict(self.figures), self.failures, valid)
