"""Fuzzing, the small size: seeds, former finds and some mutations of them, for every reader of bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.campaigns import extremes, fuzz
from tests.campaigns.fuzz_seeds import SEEDS_FOLDER, TOKENS, seeds
from tests.campaigns.fuzz_targets import TARGETS

#: Megabytes in place of the long run's gigabytes; longer than any line that is held.
_BIG = 24 << 20
_SMALL_EXTREMES = tuple(extremes.EXTREMES)
#: Corrupt databases cost least, and there is most to find; a malformed queue costs a moment of waiting each.
_MUTATIONS = {"queue": 100, "database": 10_000}


@pytest.mark.parametrize("target", TARGETS)
def test_mutations(target, tmp_path):
    """Seeds and mutations of them end in an answer or a readable error, and nothing is written."""
    assert list(fuzz.mutated(target, _MUTATIONS.get(target, 400), tmp_path)) == []


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "queue"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_bytes(target, tmp_path, data):
    """Arbitrary bytes, and words that the reader knows in any order, end in an answer or a readable error."""
    words = st.lists(st.sampled_from((*TOKENS[target], b" ", b"x")), max_size=40).map(b"".join)
    assert fuzz.attempt(target, data.draw(st.binary(max_size=200) | words), tmp_path) is None


@pytest.mark.parametrize("name", _SMALL_EXTREMES)
def test_extremes(name):
    """Lines without end, values without bottom and cells of 5 MB end well, in bounded memory."""
    assert list(extremes.problems(_BIG, (name,))) == []


def test_finds_are_kept():
    """Every folder of former finds belongs to a target, and its files are among the seeds."""
    for folder in SEEDS_FOLDER.iterdir():
        assert {path.read_bytes() for path in folder.iterdir()} <= set(seeds(folder.name))
    assert set(TOKENS) == set(TARGETS)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (lambda _data, _folder: 1 // 0, "ZeroDivisionError"),
        (lambda data, _folder: [] if data.isascii() else data.decode(), "UnicodeDecodeError"),
    ],
)
def test_a_find_is_told_with_its_input(monkeypatch, tmp_path, target, found):
    """Whatever a reader raises is told together with the bytes that did it."""
    monkeypatch.setitem(fuzz.TARGETS, "policy", target)
    finds = list(fuzz.mutated("policy", 200, tmp_path))
    assert finds
    assert all(find.startswith(found) and "; seed b" in find for find in finds)


def test_a_hang_is_a_find(monkeypatch, tmp_path):
    """A reader that does not come back is stopped and told."""
    monkeypatch.setattr(fuzz, "_HANG_S", 1)
    monkeypatch.setitem(fuzz.TARGETS, "policy", lambda _data, _folder: [None for _ in iter(int, 1)])
    assert fuzz.attempt("policy", b"", tmp_path) == "TimeoutError: more than 1 s"


def test_an_extreme_that_ends_otherwise_is_told(monkeypatch):
    """Another exit code than expected, and too much memory, are told."""
    make, argv, _ = extremes.EXTREMES["a deep report"]
    monkeypatch.setitem(extremes.EXTREMES, "a deep report", (make, argv, 0))
    monkeypatch.setattr(extremes, "_MOST_KB", 1)
    code, memory = extremes.problems(0, ("a deep report",))
    assert code.startswith("a deep report: exit code 3, expected 0: error: report.json")
    assert memory.endswith(" MB of memory")


def test_mutations_are_the_same_every_time():
    """A find can be made again: the mutations follow from the target's name and the seed."""
    start, tokens = seeds("policy"), TOKENS["policy"]
    made = [[fuzz.mutation(random.Random(3), start, tokens) for _ in range(5)] for _ in range(2)]
    assert made[0] == made[1]
    assert all(data not in start for data in made[0][:1])


def test_outcome_counts():
    """The campaign counts what it did, and proves nothing with less than it was to do."""
    outcome = fuzz.run(2, lambda _: None)
    assert (outcome.figures["mutated"], outcome.failures, outcome.valid) == (2 * len(TARGETS), [], True)
