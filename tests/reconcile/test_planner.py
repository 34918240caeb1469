"""What goes over by itself, and what a person is asked (RECONCILE sections 4 to 7)."""

from __future__ import annotations

from typing import Any

import pytest
from worked_cases import CASES, plan_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_case_is_planned_as_specified(case: dict[str, Any]) -> None:
    """Each worked case gives its actions, its needs and its stop."""
    found, expected = plan_of(case), case["expect"]
    assert (found.stop.reason if found.stop else None) == expected["stop"]
    assert [[a.id, a.unit, a.kind, a.to] for a in found.actions] == expected["actions"]
    needs = [[n.id, n.unit, n.reason.value, *(["refused"] if n.refused else [])] for n in found.needs]
    assert needs == expected["needs"]
    assert (5 if found.stop else 0 if found.empty else 1) == expected["plan_exit"]
