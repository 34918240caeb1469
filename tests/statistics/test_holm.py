from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.statistics.holm import Decision, step_down


def by_chances(chances: dict[str, float]) -> dict[str, bool]:
    """Follow Holm's paper: in the order of the chances, each against 5 % over the number of those left."""
    rejected = dict.fromkeys(chances, False)
    for left, name in zip(range(len(chances), 0, -1), sorted(chances, key=chances.__getitem__), strict=True):
        if chances[name] > 0.05 / left:
            break
        rejected[name] = True
    return rejected


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.floats(0, 0.1), max_size=8))
def test_it_is_holms(chances: dict[str, float]) -> None:
    """What is rejected by decisions is what the procedure on the chances rejects."""
    found = step_down(chances, lambda name, confidence: chances[name] <= 1 - confidence, 0.95)
    assert {name: decision.rejected for name, decision in found.items()} == by_chances(chances)


def test_the_confidence_of_a_decision() -> None:
    """Each says at which confidence it was decided: with three left, with two left, and with the last two."""
    chances = {"a": 0.001, "b": 0.02, "c": 0.04, "d": 0.03}
    found = step_down(chances, lambda name, confidence: chances[name] <= 1 - confidence, 0.95)
    assert found == {
        "a": Decision(rejected=True, confidence=pytest.approx(0.9875)),
        "b": Decision(rejected=False, confidence=pytest.approx(1 - 0.05 / 3)),
        "c": Decision(rejected=False, confidence=pytest.approx(1 - 0.05 / 3)),
        "d": Decision(rejected=False, confidence=pytest.approx(1 - 0.05 / 3)),
    }


def test_nothing_to_decide() -> None:
    """Without hypotheses nothing is decided; one alone is decided at the confidence asked for."""
    assert step_down([], lambda _name, _confidence: True, 0.95) == {}
    assert step_down(["a"], lambda _name, _confidence: True, 0.95) == {"a": Decision(rejected=True, confidence=0.95)}
