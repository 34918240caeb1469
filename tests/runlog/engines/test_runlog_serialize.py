from __future__ import annotations

import pytest
from msgspec import msgpack
from runlog_lines import mixed_log, stats_of
from runlog_reference import summary

from ops_checks.runlog.engines.spark.serialize import deserialize, serialize
from ops_checks.runlog.stats import RunStats


def test_round_trip() -> None:
    """Statistics of parts stay the same on the way from one process to another."""
    stats = stats_of(mixed_log())
    stats.durations.uncounted.extend([0.5, 1e300])
    stats.early_ends.append(-5)
    parts = deserialize(serialize({3: stats, 0: RunStats()}))
    assert list(parts) == [3, 0]
    assert summary(parts[3]) == summary(stats)
    assert summary(parts[0]) == summary(RunStats())
    for name in ("slowest", "failures", "defects", "open_runs", "early_ends", "logs", "detailed"):
        assert getattr(parts[3], name) == getattr(stats, name)


def test_cut_short() -> None:
    """Bytes that are cut short, or go on, hold no statistics."""
    data = serialize({0: stats_of(mixed_log())})
    assert [deserialize(data[:cut]) for cut in (0, 1, len(data) // 2, len(data) - 1)] == [{}] * 4
    assert deserialize(data + b"x") == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {0: {}},
        [[], {0: {}}],
        [["lines"], {0: {"lines": 1}}],
        [RunStats.__struct_fields__, {"0": {}}],
        [RunStats.__struct_fields__, {0: {"lines": "1"}}],
        [RunStats.__struct_fields__, {0: {"early_ends": b"1234567"}}],
        [RunStats.__struct_fields__, {0: {"early_ends": 1}}],
        [RunStats.__struct_fields__, {0: {"durations": [[1.0], [1, 2], b""]}}],
        [RunStats.__struct_fields__, {0: {"durations": [[1.0], [1]]}}],
        [RunStats.__struct_fields__, {0: {"durations": 1}}],
    ],
)
def test_something_else(value: object) -> None:
    """Other values, and the statistics of another version of the package, are no statistics."""
    assert deserialize(msgpack.encode(value)) == {}
