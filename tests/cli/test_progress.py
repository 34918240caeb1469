from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from ops_checks.cli.progress import PATIENCE_S, Bar
from ops_checks.runlog.reader import read_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def clock(*times: float) -> Callable[[], float]:
    """Return a clock that tells these times, and the last one from then on."""
    left = list(times)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_short_reading_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its patience is over a bar draws nothing and imports nothing."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    stream = io.StringIO()
    bar = Bar(stream, clock(0.0, PATIENCE_S / 2))
    for done in range(0, 1000, 100):
        bar(done, 1000)
    bar.close()
    assert stream.getvalue() == ""


def test_long_reading() -> None:
    """After half a second it shows how far the reading is, and closing it leaves an empty line."""
    stream = io.StringIO()
    bar = Bar(stream, clock(0.0, PATIENCE_S))
    bar(250, 1000)
    assert "reading:  25%" in stream.getvalue()
    bar.close()
    assert stream.getvalue().endswith("\r")


def test_another_input() -> None:
    """When another input is read, or the same once more, the bar begins anew."""
    stream = io.StringIO()
    bar = Bar(stream, clock(0.0, PATIENCE_S))
    bar(900, 1000)
    bar(10, 500)
    bar(5, 500)
    bar.close()
    assert "reading:  90%" in stream.getvalue()


def test_logs_tell_how_far_they_are(tmp_path: Path) -> None:
    """Reading tells of every block, all logs together, and in the end that all bytes are read."""
    paths = [tmp_path / f"{number}.jsonl" for number in range(2)]
    for path in paths:
        path.write_bytes(b'{"event":"beat"}\n' * 10_000)
    told: list[tuple[int, int]] = []
    read_runs([*map(str, paths)], progress=lambda *far: told.append(far))
    assert told == sorted(told)
    assert told[-1] == (340_000, 340_000)
