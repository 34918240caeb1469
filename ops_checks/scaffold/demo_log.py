"""Render the demo's run log: start and end records in the styles of different writers (FORMATS section 3)."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import NamedTuple

from ops_checks.timestamps import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.timestamps import Zone


#: The dispatcher lists the queue at this interval, since so long ago (minutes).
_LIST_EVERY = 37
_LIST_SINCE = 6860
#: One in so many lists is logged by a small script that writes the minimum.
_MINIMAL_EVERY = 12

#: Duration of a command: its minimum and the range above it, in milliseconds, and how many of 256 runs are slow.
_DURATIONS = {
    "list": (35, 210, 3),
    "add": (60, 160, 0),
    "pick": (320, 1500, 0),
    "done": (720, 1250, 20),
    "fail": (760, 1200, 40),
    "block": (150, 400, 0),
    "retry": (90, 250, 0),
}
_SLOW_MS = 2600

#: Errors of runs by the remainder of their number; they are unrelated to the tasks.
_ERRORS = {
    4: "QUEUE.md is locked by another writer",
    9: "database is locked",
    15: "ended by SIGTERM",
}


class Run(NamedTuple):
    """A run that ended `ago` minutes before now, for an item (or None), by an owner."""

    ago: float
    command: str
    item_id: str | None
    owner: str = "-"


class _Line(NamedTuple):
    at_ms: int
    order: int
    text: str


def render_log(runs: Iterable[Run], *, now_s: int, zone: Zone) -> bytes:
    """Return the log of some runs and of the lists in between, in the order in which the lines were written.

    `now_s` is in epoch seconds; `ts_kst` is written in `zone`.
    """
    lists = [Run(ago, "list", None) for ago in range(_LIST_SINCE, 1, -_LIST_EVERY)]
    lines: list[_Line] = []
    for number, run in enumerate(sorted((*runs, *lists), key=lambda run: -run.ago)):
        lines += _lines(number, run, now_s, zone)
    return "".join(line.text + "\n" for line in sorted(lines)).encode()


def _lines(number: int, run: Run, now_s: int, zone: Zone) -> Iterator[_Line]:
    """Yield the lines of a run. Its random values come from a hash of its number and command."""
    chance = blake2b(f"{number} {run.command}".encode(), digest_size=16).digest()
    duration_ms = _duration_ms(run.command, chance)
    end_ms = int((now_s - 60 * run.ago) * 1000) - chance[0] * 7
    start_ms = end_ms - int(duration_ms)
    error = _ERRORS.get(number % 71) if run.command == "list" else None
    result = {"exit_code": 1 if error else 0, "duration_ms": duration_ms}
    if run.command == "list" and number % _MINIMAL_EVERY == 0:
        yield _Line(end_ms, 1, json.dumps({"event": "run_end", "command": "list", **result}))
        return
    who = {"trace_id": f"trace-{chance[1:7].hex()}", "command": run.command}
    outcome = {"status": "error" if error else "ok", "item_id": run.item_id, **({"error": error} if error else {})}
    write = _compact if run.owner.startswith("agent:") or not number % 3 else _plain
    yield _Line(start_ms, 0, write({"event": "run_start", **who, **_stamp(start_ms, zone)}))
    yield _Line(end_ms, 1, write({"event": "run_end", **who, **_stamp(end_ms, zone), **result, **outcome}))


def _duration_ms(command: str, chance: bytes) -> float:
    least, more, slow = _DURATIONS[command]
    spread = int.from_bytes(chance[7:9], "big") / 65536
    extra = _SLOW_MS if chance[9] < slow else 0
    return round(least + more * spread + extra, 1)


def _stamp(at_ms: int, zone: Zone) -> dict[str, int | str]:
    time = rfc3339(at_ms / 1000, zone)
    second = len("YYYY-MM-DDTHH:MM:SS")
    return {"ts_epoch_ms": at_ms, "ts_kst": f"{time[:second]}.{at_ms % 1000:03d}{time[second:]}"}


def _plain(record: dict[str, object]) -> str:
    """Return a record as Python's json serializes it by default."""
    return json.dumps(record)


def _compact(record: dict[str, object]) -> str:
    """Return a record serialized without blanks, its keys sorted."""
    return json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
