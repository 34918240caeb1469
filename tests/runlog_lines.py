"""Lines of a run log for tests, and their statistics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.part_reader import read_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.runlog.stats import RunStats

END = {"event": "run_end", "trace_id": "trace-0123456789ab", "command": "done", "exit_code": 0, "duration_ms": 12}


def end(**changes: Any) -> bytes:
    """Return a run's end as a line; a change to None leaves the key out."""
    record = {key: value for key, value in (END | changes).items() if value is not None}
    return json.dumps(record).encode() + b"\n"


def start(trace: str = "trace-0123456789ab", **more: Any) -> bytes:
    """Return a run's start as a line."""
    return json.dumps({"event": "run_start", "trace_id": trace, "command": "done", **more}).encode() + b"\n"


def chunks(data: bytes, size: int) -> Callable[[], bytes]:
    """Return a function that returns data chunk by chunk, `size` bytes at a time, and `b""` at the end."""
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    return lambda: next(parts, b"")


def stats_of(data: bytes, size: int = 1 << 18, longest: int = 16 << 20, **run_filter: Any) -> RunStats:
    """Return the statistics of bytes as one log named `log`, read `size` bytes at a time."""
    return read_blocks("log", chunks(data, size), RunFilter(**run_filter), longest=longest)


def mixed_log() -> bytes:
    """Return a log of everything that is kept: runs across its middle, failures, malformed lines, a torn tail."""
    lines = []
    for number in range(200):
        common = {"trace_id": f"trace-{number:012x}", "command": ("done", "fail", "pick")[number % 3]}
        lines.append({"event": "run_start", "ts_epoch_ms": 5000 - number, **common})
        if number > 7:
            ended = {**common, "trace_id": f"trace-{number - 7:012x}"}
            lines.append({"event": "run_end", "exit_code": number % 5 // 4, "duration_ms": number * 7 % 100, **ended})
    text = "".join(json.dumps(line) + "\n" + "x\n" * (number % 50 == 0) for number, line in enumerate(lines))
    return text.encode() + b"torn"


_KEYS = ("trace_id", "command", "ts_epoch_ms", "ts_kst", "exit_code", "status", "item_id", "duration_ms", "error", "x")
_traces = st.sampled_from(["a", "b", "c", "trace-0123456789ab"])
_good = {
    "trace_id": _traces,
    "command": st.sampled_from(["done", "fail", "pick", "한글"]),
    "ts_epoch_ms": st.integers(990, 1010) | st.sampled_from([998, 1000, 1003, 1004]),  # where windows begin and end
    "ts_kst": st.just("2026-01-01T09:00:00+09:00"),
    "exit_code": st.sampled_from([0, 0, 0, 1]),
    "status": st.sampled_from(["ok", "error"]),
    "item_id": st.sampled_from([None, "ORCH-1", "ORCH-2"]),
    "duration_ms": st.one_of(st.integers(0, 50), st.floats(0, 50)),
    "error": st.sampled_from([None, "late", "\u2028", "\U0001f600"]),
    "x": st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda inner: st.lists(inner, max_size=2)),
}
_odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just(-1)
)


@st.composite
def _line(draw: Any) -> bytes:
    """Draw a line: mostly a record in some writer's spelling, now and then something else."""
    event = draw(st.sampled_from(["run_end", "run_end", "run_end", "run_start", "run_start", "beat"]))
    keys = draw(st.permutations(_KEYS))[: draw(st.integers(0, 10))]
    if event == "run_end" and draw(st.integers(0, 9)):
        keys = list(dict.fromkeys([*keys, "command", "exit_code"]))
    pairs = [(key, draw(_odd if draw(st.integers(0, 40)) == 0 else _good[key])) for key in keys]
    pairs.insert(draw(st.integers(0, len(pairs))), ("event", event))
    if draw(st.integers(0, 20)) == 0:
        again = draw(st.sampled_from(pairs))
        pairs.append(draw(st.sampled_from([again, ("event", "run_end"), ("event", "run_start"), ("event", "beat")])))
    comma, colon = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " : ")]))
    ascii_only = draw(st.booleans())
    parts = [json.dumps(k) + colon + json.dumps(v, ensure_ascii=ascii_only) for k, v in pairs]
    text = "{" + comma.join(parts) + "}"
    if draw(st.integers(0, 8)) == 0:
        text = text.replace("run_", "run\\u005f").replace("done", "d\\u006fne").replace("trace_id", "tr\\u0061ce_id")
    line = text.encode("utf-8", "surrogatepass")
    damage = draw(st.integers(0, 30))
    if damage == 0:
        at = draw(st.integers(0, len(line)))
        line = (
            line[:at]
            + draw(st.sampled_from([b"\n", b"}\n{", b"\xff", b'"', b"\\", b"\\ud800", b"{}", b""]))
            + line[at + draw(st.integers(0, 3)) :]
        )
    elif damage == 1:
        line = draw(st.sampled_from([b"", b" ", b"[]", b"{}", b"NaN", b"{}{}", line + line, line + b" " + line]))
    return line + draw(st.sampled_from([b"\n", b"\n", b"\n", b"\n", b"\r\n", b" \n"]))


#: Logs of all kinds of lines, with and without a byte order mark and a torn tail.
logs = st.builds(
    lambda bom, lines, tail: bom + b"".join(lines) + tail,
    st.sampled_from([b"", b"", b"\xef\xbb\xbf"]),
    st.lists(_line(), max_size=30),
    st.sampled_from([b"", b"", b"{", b'{"event":"run_end","command":"done","exit_code":0}']),
)
