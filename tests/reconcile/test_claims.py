"""Who holds an item, by whose clock (RECONCILE section 5)."""

from __future__ import annotations

import pytest

from ops_checks.reconcile.claims import is_held
from ops_checks.stores.changes import Reliability


@pytest.mark.parametrize(
    ("owner", "ends", "store_s", "our_s", "held"),
    [
        ("w1", 100, None, 99, True),
        ("w1", 100, None, 100, False),
        ("w1", 100, 99, 5000, True),  # our clock is ahead: the store's worker still works
        ("w1", 100, 100, 0, False),
        ("w1", "soon", 5000, 5000, True),
        (None, 100, 99, 99, False),
        ("w1", None, 99, 99, False),
    ],
)
def test_a_lease_is_judged_by_the_clock_of_its_store(
    owner: str | None, ends: int | str | None, store_s: float | None, our_s: float, *, held: bool
) -> None:
    """Where the store has none of its own, by ours."""
    lease = Reliability(
        lease_owner=owner, lease_expires_at=ends, attempt_count=0, max_attempts=3, absent=(), place="", now_s=store_s
    )
    assert is_held(lease, our_s) is held
