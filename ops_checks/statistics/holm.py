"""Several hypotheses at once: how sure each must be for all of them to hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Decision(NamedTuple):
    """Whether a hypothesis was rejected, and at which confidence that was decided."""

    rejected: bool
    confidence: float


def step_down(names: Iterable[str], rejects: Callable[[str, float], bool], confidence: float) -> dict[str, Decision]:
    """Return what is decided about each hypothesis, so that all rejections together are right with `confidence`.

    `rejects` returns of a hypothesis and a confidence whether it is rejected there; what is rejected at one is so at
    every smaller one too.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979),
    65-70: with k hypotheses left, each is rejected at 1/k of the error that is allowed to all, until none is. How they
    depend on each other makes no difference.
    """
    left = list(names)
    decided: dict[str, Decision] = {}
    while left:
        level = 1 - (1 - confidence) / len(left)
        rejected = [name for name in left if rejects(name, level)]
        decided |= {name: Decision(name in rejected, level) for name in (rejected or left)}
        left = [name for name in left if name not in decided]
    return decided
