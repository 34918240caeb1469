"""Selecting items: every criterion by itself, together, and what no criterion can be taken for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from builders import item
from conftest import NOW_S
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.selection import ORDERS, Selector, matches_glob, orders, select
from ops_checks.stores.details import COLUMNS, Details
from ops_checks.timestamps import moment

ZONE = 540  # NOW_S is 2026-01-02 00:00 there


def row(item_id: str, *cells: str, more: dict[str, Any] | None = None, **named: str) -> Details:
    """Return an item with what a database knows of it."""
    values = dict.fromkeys(COLUMNS) | (more or {})
    return Details((1, item(item_id, *cells, **named), *values.values()))


ROWS = [
    row("ORCH-1", "PENDING", "P0", task="Rotate the KEYS", more={"updated_at": "2026-01-01 22:00"}),
    row("ORCH-2", "IN_PROGRESS", "P1", owner_session="s1", started_at_kst="2026-01-01 22:59"),
    row("ORCH-10", "IN_PROGRESS", "P2", owner_session="s2", started_at_kst="2026-01-01 23:30"),
    row("OPS-1", "FAILED", "P0", owner_session="s1", more={"last_error": b"disk \xff full"}),
    row("OPS-2", "DONE", "P1", task="한국어", notes="keys", started_at_kst="2026-01-03 00:00"),
    row("OPS-3", "IN_PROGRESS", "P1", owner_session="s1", started_at_kst="soon"),
]


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        ({}, "ORCH-1 ORCH-2 ORCH-10 OPS-1 OPS-2 OPS-3"),
        ({"names": ["ORCH-1"]}, "ORCH-1"),
        ({"names": ["ORCH-1*"]}, "ORCH-1 ORCH-10"),
        ({"names": ["ORCH-?", "OPS-1", "OPS-1"]}, "ORCH-1 ORCH-2 OPS-1"),
        ({"names": ["orch-1"]}, ""),
        ({"statuses": ["FAILED", "DONE"]}, "OPS-1 OPS-2"),
        ({"priorities": ["P0"], "statuses": ["FAILED"]}, "OPS-1"),
        ({"owners": ["s1"]}, "ORCH-2 OPS-1 OPS-3"),
        ({"owners": ["-"]}, "ORCH-1 OPS-2"),
        ({"owners": [""]}, ""),
        ({"stale_s": 3600}, "ORCH-2 OPS-3"),
        ({"stale_s": 3660}, "OPS-3"),
        ({"since_s": NOW_S - 7200}, "ORCH-1 ORCH-2 ORCH-10 OPS-2"),
        ({"since_s": NOW_S - 7199 + 60}, "ORCH-2 ORCH-10 OPS-2"),
        ({"since_s": NOW_S - 3660 + 59}, "ORCH-2 ORCH-10 OPS-2"),
        ({"until_s": NOW_S - 3660}, "ORCH-1 ORCH-2"),
        ({"since_s": NOW_S - 3600, "until_s": NOW_S}, "ORCH-10"),
        ({"text": "keys"}, "ORCH-1 OPS-2"),
        ({"text": "한국어"}, "OPS-2"),
        ({"text": "DISK \\xFF"}, "OPS-1"),
        ({"text": "ops-"}, "OPS-1 OPS-2 OPS-3"),
        ({"text": "done"}, "ORCH-1 ORCH-2 ORCH-10 OPS-1 OPS-2 OPS-3"),
    ],
)
def test_criteria(criteria: dict[str, Any], ids: str) -> None:
    """An item is selected if every criterion holds for it, in the order of the store."""
    selected = select(ROWS, Selector(now_s=NOW_S, zone=ZONE, **criteria))
    assert " ".join(each.item.id for each in selected.rows) == ids
    assert selected.total == len(selected.rows)


def test_a_name_is_unmatched_only_if_no_item_has_it() -> None:
    """What the other criteria leave of a glob does not matter: it named something."""
    selector = Selector(now_s=NOW_S, zone=ZONE, names=["ORCH-*", "X*", "OPS-9"], statuses=["DONE"])
    selected = select(ROWS, selector)
    assert (selected.rows, selected.unmatched) == ([], ["X*", "OPS-9"])


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("added", "ORCH-1 ORCH-2"),
        ("id", "OPS-1 OPS-2"),
        ("status", "ORCH-1 ORCH-2"),
        ("priority", "OPS-1 ORCH-1"),
        ("owner", "ORCH-2 OPS-1"),
        ("started", "ORCH-2 ORCH-10"),
        ("changed", "ORCH-1 ORCH-2"),
    ],
)
@pytest.mark.parametrize("rounds", [1, 700])
def test_orders(order: str, ids: str, rounds: int) -> None:
    """The first of an order are the same however many there are."""
    selector = Selector(now_s=NOW_S, zone=ZONE)
    found = select(ROWS * rounds, selector, order=orders(ZONE)[order], most=2 * rounds)
    assert " ".join(dict.fromkeys(each.item.id for each in found.rows)).startswith(ids.partition(" ")[0])
    assert (len(found.rows), found.total) == (2 * rounds, 6 * rounds)
    if rounds == 1:
        assert " ".join(each.item.id for each in found.rows) == ids


def test_every_order_is_named() -> None:
    """The names that an option takes are those there are."""
    assert tuple(orders(0)) == ORDERS


@given(st.text("ab*?", max_size=8), st.text("ab*", max_size=12))
def test_globs_are_those_of_a_shell(glob: str, text: str) -> None:
    """With `*` and `?` only, a glob means what the standard library says."""
    assert matches_glob(text, glob) is fnmatchcase(text, glob)


def test_no_glob_takes_long() -> None:
    """A glob that makes backtracking matchers try every way ends at once; a bracket is a character."""
    assert not matches_glob("a" * 2_000, "*a" * 200 + "b")
    assert matches_glob("[x]", "[x]")
    assert not matches_glob("x", "[x]")


@pytest.mark.parametrize(
    ("criteria", "empty", "only_ids"),
    [
        ({}, True, False),
        ({"names": ["A-1"]}, False, True),
        ({"names": ["A-*"]}, False, False),
        ({"names": ["A-1"], "statuses": ["DONE"]}, False, False),
        ({"since_s": 0.0}, False, False),
        ({"stale_s": 0.0}, False, False),
        ({"text": "x"}, False, False),
    ],
)
def test_what_names_every_item_and_what_exact_ones(criteria: dict[str, Any], empty: bool, only_ids: bool) -> None:  # noqa: FBT001 - a table
    """A mutation must know a selector that means everything, and one that means exact ids."""
    selector = Selector(now_s=NOW_S, zone=ZONE, **criteria)
    assert (selector.empty, selector.only_ids) == (empty, only_ids)


@pytest.mark.parametrize(
    ("text", "ago_s"),
    [
        ("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("00:00", 0), ("00:01", 86_340), ("23:59", 60),
        ("2026-01-01", 86_400), ("2026-01-01 23:00", 3600), ("2026-01-02", 0), ("2026-01-03", -86_400),
        ("24:00", None), ("1:00", None), ("2026-02-30", None), ("2w", None), ("", None), ("-5m", None),
        ("\u0665m", None),
        ("2026-01-01T23:00", None), ("2026-01-01  1:00", None), ("now", None),
    ],
)  # fmt: skip
def test_times(text: str, ago_s: int | None) -> None:
    """The grammar of times is one: spans, the last time of a clock, a day, a minute; nothing else."""
    assert moment(text, NOW_S, ZONE) == (None if ago_s is None else NOW_S - ago_s)
