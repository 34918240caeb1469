"""The campaign of growth sees what it is there for: time that grows too fast, too much time or memory, another end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns import growth
from tests.campaigns.growth_shape import Shape, filled, numbered, put

SIZE = 1 << 14
SHAPE = Shape(lambda size: put("input", filled(size, b"x")), ["check"], 0)


def judged(monkeypatch: pytest.MonkeyPatch, command) -> list[str]:
    """Judge a command, which is called with the size of its input and returns the exit code."""
    monkeypatch.setattr(growth.cli, "main", lambda _argv: 0)
    born = growth.measured(SHAPE, SIZE)  # a child of this process has what it has, and a large one takes time to start
    monkeypatch.setattr(growth, "MOST_KB", born.kilobytes + (200 << 10))
    monkeypatch.setattr(growth.cli, "main", lambda _argv: command(Path("input").stat().st_size))
    return list(growth.judge(SHAPE, SIZE, born.seconds, {}))


def spend(steps: int) -> int:
    """Spend time that grows with the number of steps."""
    for _ in range(steps):
        pass
    return 0


def test_linear_time_is_well(monkeypatch):
    """Eight times the bytes in eight times the time is what is allowed."""
    assert judged(monkeypatch, lambda size: spend(size * 1_000)) == []


def test_time_that_grows_faster_is_told(monkeypatch):
    """Eight times the bytes in thousands of times the time is not."""
    monkeypatch.setattr(growth, "_MOST_RATIO", 10.0)  # no child of a large process starts in the same time as the next
    monkeypatch.setattr(growth, "_STOPPED_S", 5)
    (told,) = judged(monkeypatch, lambda size: spend(size**4 >> 31))
    assert told.startswith("8 times the bytes take ")


def test_a_step_is_no_growth(monkeypatch):
    """Time that is there from some size on, and does not grow beyond it, is well: the machine has its own reasons."""
    monkeypatch.setattr(growth, "_MOST_RATIO", 3.0)  # no child of a large process starts in the same time as the next
    assert judged(monkeypatch, lambda size: spend(40_000_000 * (size >= SIZE))) == []


def test_a_step_before_a_refusal_is_told(monkeypatch):
    """What is refused at eight times the bytes was not shown to grow no faster."""
    monkeypatch.setattr(growth, "_MOST_RATIO", 3.0)  # no child of a large process starts in the same time as the next
    (told,) = judged(monkeypatch, lambda size: spend(40_000_000 * (size == SIZE)) + (size > SIZE))
    assert told.startswith("8 times the bytes take ")


def test_too_much_time_is_told(monkeypatch):
    """A command that takes longer than any may is stopped and told."""
    monkeypatch.setattr(growth, "MOST_S", 0.5)
    monkeypatch.setattr(growth, "_STOPPED_S", 1)
    stopped, slow = judged(monkeypatch, lambda _size: spend(1 << 62))
    assert stopped.startswith(f"exit code -9 at {SIZE:,} bytes, expected 0")
    assert slow.endswith(f"MB at {SIZE:,} bytes")


def test_too_much_memory_is_told(monkeypatch):
    """A command that takes more memory than any may is told."""
    (told,) = judged(monkeypatch, lambda _size: len(b"x" * (300 << 20)) * 0)
    assert told.endswith(f"MB at {SIZE:,} bytes")


@pytest.mark.parametrize(
    ("command", "told"), [(lambda _size: 1, "exit code 1"), (lambda _size: 1 // 0, "exit code 70")]
)
def test_another_end_is_told(monkeypatch, command, told):
    """Another exit code than the shape's, and a traceback, are told."""
    (found,) = judged(monkeypatch, command)
    assert found.startswith(f"{told} at {SIZE:,} bytes, expected 0")


def test_shapes_have_their_size(tmp_path, monkeypatch):
    """What a shape writes has the bytes that were asked for, give or take a third."""
    monkeypatch.chdir(tmp_path)
    for data in (filled(99_000, b"abc"), numbered(99_000, "row %d of many\n")):
        assert 66_000 < len(data) < 132_000
