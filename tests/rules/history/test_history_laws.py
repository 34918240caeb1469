"""Which histories break which law of RECONCILE section 16.3, and which come near and break none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from event_histories import Case, broken, case, found_by_item, judged, store

from ops_checks.rules.history.rules import HISTORY_CHECKS
from ops_checks.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

A, B = {"owner_session": "worker:a"}, {"owner_session": "worker:b"}
RETRY = ("review_gate", {"verdict": "RETRY", "attempt": 1, "max_retries": 3, "missing_checks": []})
CANCELLED = ("cancelled", {"from": "IN_PROGRESS", "to": "BLOCKED"})
REPLANNED = ("replan", {"from": "FAILED", "to": "PENDING", "notes": "n"})
THEIR_REPLAN = ("replan", {"status": "PENDING", "notes": "n"})


def held(name: str, who: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return an event of a lease."""
    return f"lease_{name}", who


def counted(before: int, after: int, most: int = 9, **more: object) -> dict[str, object]:
    """Return the payload of an event of ours that changed the attempts."""
    return {
        "before": {"attempt_count": before, "max_attempts": most},
        "after": {"attempt_count": after, "max_attempts": most},
        **more,
    }


#: The rule, a history that breaks its law and no other one, and histories that break none.
CAUGHT: list[tuple[str, Case]] = [
    ("picked-twice", case("added", "picked", "picked", status="IN_PROGRESS")),
    ("picked-twice", case("picked", "picked", status="IN_PROGRESS")),
    ("picked-twice", case("picked", "picked", "picked", status="IN_PROGRESS", attempts=1)),
    ("picked-twice", case("picked", "picked", status="IN_PROGRESS", attempts="x")),
    ("picked-twice", case("added", "picked", "failed", "retried", "picked", "picked", status="IN_PROGRESS")),
    ("picked-twice", case("added", "picked", ("review_gate", {"verdict": "PASS"}), "picked", status="IN_PROGRESS")),
    ("picked-twice", case("added", "picked", CANCELLED, "picked", status="IN_PROGRESS")),
    ("retried-beyond-max", case("added", "failed", "retried", "picked", "failed", "retried", attempts=2, most=1)),
    ("retried-beyond-max", case("failed", "retried", "failed", "retried", "failed", "retried", attempts=3, most=2)),
    ("retried-beyond-max", case(*["failed", "retried"] * 4, attempts=4, most=0)),
    ("retried-beyond-max", case("failed", "retried", most="many")),
    ("attempts-lost", case("added", "picked", "failed", "retried", attempts=0)),
    ("attempts-lost", case("failed", "retried", "picked", "failed", "retried", attempts=1)),
    ("attempts-lost", case("failed", "retried", attempts=None)),
    ("attempts-lost", case("failed", "retried", attempts="one")),
    ("retried-without-cause", case("added", "retried")),
    ("retried-without-cause", case("retried", "retried")),
    ("retried-without-cause", case("added", "picked", "retried", "retried")),
    ("added-twice", case("added", "added")),
    ("lease-of-another", case("added", held("acquired", A), held("renewed", B))),
    ("lease-of-another", case("added", held("acquired", A), held("released", B))),
    ("lease-of-another", case(held("acquired", A), held("acquired", B), held("renewed", A))),
    ("lease-of-another", case(held("acquired", A), held("released", A), held("acquired", B), held("released", A))),
    (
        "lease-of-another",
        case("picked", held("acquired", A), "retried", "picked", held("acquired", B), held("renewed", A))._replace(
            row=("IN_PROGRESS", 1, 3)
        ),
    ),
    ("lease-of-another", case(("lease_acquired", {"actor": "a"}), ("lease_renewed", {"actor": "b"}))),
    ("ended-twice", case("added", "picked", "failed", "done", status="DONE")),
    ("ended-twice", case("picked", "idempotency_skipped", "done", status="DONE")),
    ("ended-after-cancelled", case("added", "picked", CANCELLED, "done", status="DONE")),
    ("ended-after-cancelled", case("added", "picked", "blocked", REPLANNED, "failed", status="FAILED")),
    (
        "ended-after-cancelled",
        case("picked", CANCELLED, ("reconciled", {"from": "BLOCKED", "to": "BLOCKED"}), "done", status="DONE"),
    ),
    ("ended-without-picked", case("added", "done", status="DONE")),
    ("ended-without-picked", case("added", ("failed", {"notes": "by hand"}), status="FAILED")),
    ("changed-without-event", case("added", status="IN_PROGRESS")),
    ("changed-without-event", case("added", "picked", "done", "guardrail", held("released", A), status="PENDING")),
    ("changed-without-event", case("added", "picked", "done", status="PENDING", minutes=False)),
    ("changed-without-event", case("added", CANCELLED, status="PENDING")),
    ("changed-without-event", case(("reconciled", {"to": "DONE"}), status="BLOCKED")),
    ("orphan-events", case("added", status=None)),
    ("orphan-events", case("picked", "picked", "picked", status=None)),
    ("payload-unreadable", case("added", "picked", ("review_gate", "?"), "picked", status="IN_PROGRESS")),
    *(
        ("payload-unreadable", case("added", ("guardrail", payload)))
        for payload in (
            *("", "null", "[]", '"{}"', "{", "{} {}", '{"a": NaN}', '{"a": -Infinity}', "1" * 5000, "{'a': 1}"),
            *('{"to": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"a": "\\ud800"}', "\ufeff{}", None, 7, 1.5),
            *(b'{"a": "\xff"}', b"\x00"),
        )
    ),
]

NEAR: list[Case] = [
    case(),
    case("added"),
    case("added", "picked", status="IN_PROGRESS"),
    # every way of being put back, and then picked once more
    *(
        case("added", "picked", *more, "picked", status="IN_PROGRESS")
        for more in (
            ["failed", "retried"],
            ["retried"],
            ["done", RETRY],
            [("review_gate", {"decision": "retry"})],
            ["failed", REPLANNED],
            ["failed", THEIR_REPLAN],
            ["failed", "replan"],
            ["failed", ("replan", {"notes": "n"})],
            ["failed", ("reconciled", {"from": "FAILED", "to": "PENDING"})],
            [CANCELLED, ("reconcile_undone", {"from": "BLOCKED", "to": "PENDING"})],
            ["done", ("restored_by_another_tool", {"to": "PENDING"})],
        )
    ),
    # the watchdog was killed before it wrote that it had put the item back
    case("added", "picked", "picked", status="IN_PROGRESS", attempts=1),
    case("added", "picked", "failed", "retried", "picked", "failed", "picked", "done", status="DONE", attempts=2),
    # as many retries as there may be; a review goes beyond
    case("added", "picked", "failed", "retried", attempts=1, most=1),
    case("added", *["picked", "done", RETRY] * 3, attempts=3, most=1),
    case("failed", "retried", RETRY, attempts=2, most=1),
    case(*["failed", "retried"] * 3, attempts=3, most=0),
    case(*["failed", "retried"] * 3, attempts=3, most=None),
    # what has more attempts than retries
    case("failed", "retried", attempts=5),
    case("failed", "retried", attempts=1.0),
    # max_attempts was lowered since, and our own event holds what it was
    case("failed", ("retried", counted(0, 1, 3)), "failed", ("retried", counted(1, 2, 3)), attempts=2, most=1),
    # a retry that was undone is none
    case(
        "added",
        "picked",
        "failed",
        ("retried", counted(0, 1, 1)),
        ("reconcile_undone", counted(1, 0, 1, to="FAILED")),
        ("retried", counted(0, 1, 1)),
        attempts=1,
        most=1,
    ),
    # nobody knows what was before an import
    case("retried", attempts=1),
    case(("added", {"imported": True}), "retried", attempts=1),
    case("done", status="DONE"),
    case(("added", {"imported": True}), "done", status="DONE"),
    case(("added", {"imported": True}), status="BLOCKED"),
    case(("added", {"imported": True, "source": "QUEUE.md", "to": "DONE"}), status="DONE"),
    # it failed, or was in progress, by way of the document
    case(("added", {"to": "IN_PROGRESS"}), "retried", attempts=1),
    case("added", ("reconciled", {"from": "PENDING", "to": "FAILED"}), "retried", attempts=1),
    case(("added", {"to": "IN_PROGRESS"}), "done", status="DONE"),
    case("added", ("reconciled", {"from": "PENDING", "to": "IN_PROGRESS"}), "done", status="DONE"),
    # an end by the guardrail after the end by the worker
    case("added", "picked", "done", "guardrail", "blocked", status="BLOCKED"),
    # skipped without a pick
    case("added", "idempotency_skipped", status="DONE"),
    # leases on PENDING, after the end, renewed by who acquired it, taken over, released late
    case("added", held("acquired", A), held("renewed", A), held("released", A)),
    case("picked", held("acquired", A), "done", held("released", A), status="DONE"),
    case("picked", held("acquired", A), "failed", held("renewed", A), status="FAILED"),
    case(held("acquired", A), held("acquired", B), held("renewed", B), held("released", B)),
    case(held("acquired", A), held("acquired", B), held("released", A), held("renewed", B)),
    case(held("acquired", A), held("acquired", B), held("released", B), held("released", A)),
    case(held("renewed", B), held("released", B)),
    case("added", held("acquired", {}), held("renewed", B)),
    case("added", held("acquired", A), held("renewed", {"owner_session": "-"})),
    # the lease was cleared; whose it is since is not known
    case("picked", held("acquired", A), CANCELLED, held("renewed", A), status="BLOCKED"),
    case("picked", held("acquired", A), "retried", held("renewed", B)),
    # a watchdog wrote its event when another worker had the item already
    case(
        *("picked", "failed", "picked", held("acquired", B), "retried", held("renewed", B)),
        status="IN_PROGRESS",
        minutes=False,
    ),
    case("picked", held("acquired", A), RETRY, held("released", B)),
    # an operator decided again, or it was picked since
    case("picked", CANCELLED, ("reconcile_undone", {"to": "IN_PROGRESS"}), "done", status="DONE"),
    case("picked", CANCELLED, REPLANNED, "picked", "done", status="DONE"),
    case("picked", "failed", THEIR_REPLAN, "done", status="DONE"),
    case("picked", CANCELLED, "blocked", status="BLOCKED"),
    # two programs wrote within a minute; writers in other zones
    case("added", "done", "picked", status="DONE", minutes=False)._replace(row=("DONE", 0, 3)),
    case("added", ("picked", {}, "2026-01-01 10:59"), ("done", {}, "2026-01-01 02:00"), status="DONE"),
    case("added", ("picked", {}, "2026-01-01 10:00:01"), ("failed", {}, "2026-01-01 10:00:59"), status="IN_PROGRESS"),
    # what cannot be told is not held against anybody
    case("added", "picked", ("reconciled", {}), "picked", status="IN_PROGRESS"),
    # any JSON object is one
    *(
        case("added", ("guardrail", payload))
        for payload in (
            *('{"n": ' + "9" * 5000 + "}", '{"n": 1e999}', '{"a": 1, "a": 2}', ' {"to": ["DONE"]} ', '{"actor": 7}'),
            *('{"before": 1, "after": [], "imported": {}, "verdict": null}', '{"a": ' + "[" * 400 + "]" * 400 + "}"),
            *('{"\\u0074o": "\\u0000"}', '{"a": "대기열"}'),
        )
    ),
]


@pytest.mark.parametrize(("rule", "told"), CAUGHT)
def test_caught(rule: str, told: Case) -> None:
    """A history that breaks a law is found by its rule, and by no other one."""
    assert broken(told) == {rule}


@pytest.mark.parametrize("told", NEAR)
def test_near_misses(told: Case) -> None:
    """What the code allows, and what is known to look like a violation and is none, breaks no law."""
    assert broken(told) == set()


def test_every_law_has_its_cases() -> None:
    """Each rule has a history that it catches."""
    assert {rule for rule, _ in CAUGHT} == {check.rule.id for check in HISTORY_CHECKS}


def test_the_same_in_a_database(tmp_path: Path) -> None:
    """Mixed with each other, many times over, the histories are found and not found as each by itself."""
    cases = {f"{kind}-{number:03}-{copy}": told for copy in range(3) for kind, number, told in _numbered()}
    expected = {name: broken(told) for name, told in cases.items() if broken(told)}
    with SqliteStore(store(tmp_path / "q.db", cases), lock_timeout_s=1).snapshot() as snapshot:
        assert found_by_item(judged(snapshot, keep=0)) == expected


def test_what_went_well_once_is_no_excuse_for_another(tmp_path: Path) -> None:
    """Among a thousand items that went the same way, one with another row, owner or payload is found."""
    common = ("added", ("picked", A), held("acquired", A), "failed", "retried", held("released", A))
    good = dict.fromkeys((f"A-{number:04}" for number in range(1000)), case(*common, attempts=1, most=1))
    odd = {
        "A-0500-attempts": case(*common, attempts=0, most=1),
        "A-0501-most": case(*common, *common[1:], attempts=2, most=1),
        "A-0502-status": case(*common, status="DONE", attempts=1, most=1),
        "A-0503-owner": case(*common[:5], held("renewed", A), attempts=1, most=1),
        "A-0504-owner": case(*common[:4], held("released", B), "retried", attempts=1, most=1),
        "A-0505-events": case(*common, "added", attempts=1, most=1),
    }
    expected = {name: broken(told) for name, told in odd.items() if broken(told)}
    assert len(expected) == len(odd) - 1  # the fourth is a near miss
    with SqliteStore(store(tmp_path / "q.db", good | odd), lock_timeout_s=1).snapshot() as snapshot:
        assert found_by_item(judged(snapshot, keep=0)) == expected


def _numbered() -> list[tuple[str, int, Case]]:
    caught = [("C", number, told) for number, (_, told) in enumerate(CAUGHT)]
    near = [("N", number, told) for number, told in enumerate(NEAR)]
    return [each for each in caught + near if each[2].row is None or None not in each[2].row]
