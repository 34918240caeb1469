"""Histories that programs can make by RECONCILE section 16.1 break no law that is an error; races do."""

from __future__ import annotations

import json
from typing import Any

from event_histories import Case, broken, history
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_checks.rules.history.judgement import broken_laws
from ops_checks.rules.history.rules import HISTORY_CHECKS

ERRORS = {check.rule.id for check in HISTORY_CHECKS if check.rule.default and check.rule.default.severity == "error"}
WORKERS = ("worker:a", "worker:b")
WORK = ("pick", "acquire", "renew", "release", "done", "failed", "blocked", "skip", "guardrail")
OPERATOR = ("cancel", "replan", "retry", "undo", "reconcile", "their replan")
STEPS = st.one_of(
    st.tuples(st.sampled_from(WORKERS), st.sampled_from(WORK)),
    st.tuples(st.just("watchdog"), st.just("retry")),
    st.tuples(st.just("review"), st.sampled_from(("pass", "retry", "block"))),
    st.tuples(st.just("operator"), st.sampled_from(OPERATOR)),
    st.tuples(st.just("clock"), st.just("a lease ends")),
    st.tuples(st.sampled_from((*WORKERS, "watchdog", "review")), st.just("write")),
)


class World:
    """One item, and programs that write an event only after the status that it tells of, as the source's do.

    At most two programs are between their change and its event at once; a lease does not end in between.
    """

    def __init__(self, *, imported: bool, max_attempts: int) -> None:
        self.status, self.attempts, self.most = "PENDING", 0, max_attempts
        self.holder: str | None = None
        self.expired = False
        self.events: list[tuple[str, object, object]] = []
        self.unwritten: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.pair: set[str] = set()
        self.last: tuple[str, str, int, int] | None = None  # what the operator's own last change was: before, after
        if not imported:
            self._event("added", {"priority": "P1"})

    def step(self, who: str, what: str) -> None:
        """Let a program do something, if it can."""
        if what == "write" or who in self.unwritten:
            self._write(who)
            return
        if self.unwritten:
            self.pair |= {*self.unwritten, who}
            if len(self.pair) > 2:
                self.pair.discard(who)
                return
        else:
            self.pair = set()
        if who == "clock":
            self.expired = self.holder is not None and self.holder not in self.unwritten
            self.pair.discard(who)
        elif who == "operator":
            self._operate(what)
        else:
            made = self._change(who, what)
            if made:
                self.last = None
                self.unwritten[who] = made

    def case(self) -> Case:
        """Return the item when all programs have written what they did."""
        for who in list(self.unwritten):
            self._write(who)
        return Case((self.status, self.attempts, self.most), self.events)

    def _write(self, who: str) -> None:
        for name, payload in self.unwritten.pop(who, []):
            self._event(name, payload)

    def _event(self, name: str, payload: dict[str, Any]) -> None:
        self.events.append((name, json.dumps(payload), "2026-01-01 10:00"))

    def _change(self, who: str, what: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a change that was made, none if it was not possible."""
        if who == "review":
            return self._review(what)
        if what in {"acquire", "renew", "release"}:
            return self._lease(who, what)
        if what == "retry" and self._retryable():
            self._to_pending(self.attempts + 1)
            return [("retried", {"reason": "failed_or_timeout"})]
        if what in {"pick", "skip"} and self.status == "PENDING":
            self.status = {"pick": "IN_PROGRESS", "skip": "DONE"}[what]
            return [({"pick": "picked", "skip": "idempotency_skipped"}[what], {"owner_session": who})]
        if what in {"done", "failed", "blocked"}:
            self.status = what.upper()
            return [(what, {"notes": "n"})]
        return [("guardrail", {"state": "WARN"})] if what == "guardrail" else []

    def _review(self, what: str) -> list[tuple[str, dict[str, Any]]]:
        if what == "retry":
            self._to_pending(self.attempts + 1)
            return [("review_gate", {"verdict": "RETRY", "attempt": self.attempts})]
        self.status = {"pass": "DONE", "block": "BLOCKED"}[what]
        return [(self.status.lower(), {"notes": "n"}), ("review_gate", {"verdict": what.upper()})]

    def _lease(self, who: str, what: str) -> list[tuple[str, dict[str, Any]]]:
        mine = self.holder == who
        can = {
            "acquire": self.holder is None or self.expired,
            "renew": mine and not self.expired,
            "release": mine,
        }
        if not can[what]:
            return []
        if what != "renew":
            self.holder, self.expired = (who if what == "acquire" else None), False
        return [(f"lease_{what.rstrip('e')}ed", {"owner_session": who})]

    def _retryable(self) -> bool:
        timed_out = self.status == "IN_PROGRESS" and self.holder is not None and self.expired
        return (self.status == "FAILED" or timed_out) and self.attempts < self.most

    def _to_pending(self, attempts: int) -> None:
        self.status, self.attempts, self.holder, self.expired = "PENDING", attempts, None, False

    def _operate(self, what: str) -> None:
        before, attempts = self.status, self.attempts
        name = {"cancel": "cancelled", "replan": "replan", "retry": "retried", "reconcile": "reconciled"}.get(what)
        if what == "cancel" and self.status in {"PENDING", "IN_PROGRESS", "BLOCKED"}:
            self.status = "BLOCKED"
        elif what == "replan":
            self.status = "BLOCKED" if self.status == "IN_PROGRESS" else "PENDING"
        elif what == "retry" and self._retryable():
            self._to_pending(self.attempts + 1)
        elif what == "reconcile" and self.status in {"BLOCKED", "IN_PROGRESS"}:
            self.status = {"BLOCKED": "PENDING", "IN_PROGRESS": "FAILED"}[self.status]
        elif what == "their replan" and self.status not in {"IN_PROGRESS", "PENDING"}:
            self._to_pending(self.attempts)
            self._event("replan", {"status": "PENDING", "notes": "n"})
            self.last = None
            return
        elif what == "undo" and self.last is not None:
            self.status, _, self.attempts, _ = self.last
            name = "reconcile_undone"
        else:
            return
        self.holder, self.expired = None, False
        counts = [{"attempt_count": count, "max_attempts": self.most} for count in (attempts, self.attempts)]
        payload = {"from": before, "to": self.status, "actor": "kim", "before": counts[0], "after": counts[1]}
        self._event(str(name), payload)
        self.last = None if name == "reconcile_undone" else (before, self.status, attempts, self.attempts)


@settings(max_examples=400)
@given(st.lists(STEPS, max_size=40), st.booleans(), st.integers(0, 3))
def test_what_programs_can_do_is_no_error(steps: list[tuple[str, str]], imported: bool, most: int) -> None:  # noqa: FBT001
    """However the events of two programs come after each other's changes."""
    world = World(imported=imported, max_attempts=most + 1)
    for who, what in steps:
        world.step(who, what)
    told = world.case()
    assert not broken(told) & ERRORS, dict(broken_laws(history(told)))


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=20), st.permutations(WORKERS))
def test_two_workers_that_pick_at_once_are_found(steps: list[tuple[str, str]], order: list[str]) -> None:
    """A pick without compare-and-set is written twice, by whichever worker comes first."""
    world = World(imported=False, max_attempts=99)
    for who, what in steps:
        world.step(who, what)
    world.case()
    if world.status != "PENDING":
        world.step("operator", "their replan" if world.status != "IN_PROGRESS" else "replan")
        world.step("operator", "their replan")
    missed = 1 + sum(event.puts_back for event in history(world.case()).events) - _picks(world)
    for _ in range(missed):  # each time that it was put back it was picked
        world.events.append(("picked", "{}", "2026-01-01 10:00"))
    assert "picked-twice" not in broken(world.case())
    for who in order[:1]:
        world.events.append(("picked", json.dumps({"owner_session": who}), "2026-01-01 10:00"))
    world.status = "IN_PROGRESS"
    assert "picked-twice" in broken(world.case())


def _picks(world: World) -> int:
    return sum(name == "picked" for name, _, _ in world.events)
