"""Give a scanner lines, and print what came of it: `python -m tests.campaigns.scanner_lines SCANNER LINES SEED`."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from typing import TYPE_CHECKING, Any

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.grouping import Grouping
from tests.campaigns.fuzz import mutation
from tests.campaigns.fuzz_seeds import TOKENS
from tests.runlog_twins import differences

if TYPE_CHECKING:
    from types import ModuleType

_SHOWN = 1_000
_FILTERS = (
    RunFilter(),
    RunFilter(details=False),
    RunFilter(since_ms=1_700_000_000_500),
    RunFilter(since_ms=3, until_ms=1_700_000_000_700, valid_ms=(2, 1_700_000_000_900)),
    RunFilter(details=False, groupings=(Grouping("item"),)),
    RunFilter(groupings=(Grouping("item"), Grouping("error"))),
)
_TEXTS = (
    "",
    "a",
    "done",
    "fail",
    "trace-0123456789ab",
    "임대가 만료됨",
    "\U0001f600",
    'q"\\/\b\f\n\r\t\x7f',
    "\0\x1f",
    "\u2028",
)
_SHORT_KEYS = ("ev", "tr", "co", "ts", "ex", "st", "it", "du", "er", "ts_epoch_m", "ts_epoch_msx", "Event")
_TOKENS = (
    *(token for token in TOKENS["run_log"] if len(token) < 100),
    *(b'"%b":' % key for key in (b"trace_id", b"command", b"ts_kst", b"status", b"item_id", b"error", b"x")),
    *(b"\\u005f", b"\\ud83d\\ude00", b"\\udc00", b"\\ud83d", b"\\/", b"\\x"),
    *(b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xc0\x80"),
    *(b"00", b"0.1", b"1e5", b"1E-5", b"12345678", b"123456789012345678", b"9223372036854775808", b"-0"),
    *(b"-0.0", b"1."),
    *(b"0.30000000000000004", b"9007199254740993", b"1.7976931348623157e308", b"5e-324", b"false"),
    *(b", ", b": ", b" \t"),
    b"[" * 64 + b"]" * 64, b"[" * 65 + b"]" * 65, b'{"a":' * 64 + b"1" + b"}" * 64,
)  # fmt: skip


def main(path: str, lines: int, seed: int) -> None:
    """Print the number of lines, of those taken and left, and what differs."""
    native = load(path)
    chance = random.Random(f"scanner {seed}")
    given = taken = 0
    failures: list[str] = []
    while given < lines:
        block = _block(chance)
        count = block.count(b"\n")
        found, differing = differences(native, block, chance.choice(_FILTERS))
        given, taken = given + count, taken + found
        failures += [difference[:_SHOWN] for difference in differing]
    json.dump({"lines": given, "taken": taken, "left": given - taken, "failures": failures[:20]}, sys.stdout)


def load(path: str) -> ModuleType:
    """Return the scanner of a file, and let the program use it."""
    from ops_checks.runlog import scanner

    spec = importlib.util.spec_from_file_location("_scanner", path)
    assert spec is not None
    assert spec.loader is not None
    scanner.native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scanner.native)
    return scanner.native


def _block(chance: random.Random) -> bytes:
    """Return some lines, half of the blocks with damage in them, and a line break at the end."""
    lines = tuple(_line(chance) for _ in range(chance.choice((1, 1, 2, 5, 30))))
    block = b"".join(lines)
    if chance.random() < 0.5:
        block = mutation(chance, (block, *lines), _TOKENS)
    return block.removesuffix(b"\n") + b"\n"


def _line(chance: random.Random) -> bytes:
    """Return a record as some writer writes it."""
    event = chance.choice(("run_end", "run_end", "run_start", "beat"))
    record: dict[str, Any] = {
        "trace_id": chance.choice((*_TEXTS, f"trace-{chance.randrange(20):012x}")),
        "command": chance.choice(_TEXTS),
        "ts_epoch_ms": chance.choice(
            (5, -5, 0, 1_700_000_000_000 + chance.randrange(1000), chance.getrandbits(chance.randrange(66)))
        ),
        "ts_kst": chance.choice(_TEXTS),
        "exit_code": chance.choice((0, 0, 1, -9, chance.getrandbits(chance.randrange(70)))),
        "status": chance.choice(_TEXTS),
        "item_id": chance.choice((None, *_TEXTS)),
        "duration_ms": _number(chance),
        "error": chance.choice((None, *_TEXTS)),
        "x": chance.choice((None, True, [], {}, [1, {"a": [False, -2.5e-7]}], {"event": "x"}, *_TEXTS)),
    }
    kept = chance.sample(sorted(record), chance.randrange(len(record) + 1))
    if event == "run_end":
        kept = list(dict.fromkeys([*kept, "command", "exit_code"]))
    pairs = {"event": event} | {key: record[key] for key in kept}
    if chance.random() < 0.3:
        pairs = {key: pairs[key] for key in chance.sample(sorted(pairs), len(pairs))}
    if chance.random() < 0.3:  # the beginning of a known key, perhaps in the last bytes of the buffer
        pairs[chance.choice(_SHORT_KEYS)] = 1
    separators = chance.choice(((", ", ": "), (",", ":"), (" ,\t", " : ")))
    text = json.dumps(pairs, ensure_ascii=chance.random() < 0.5, separators=separators)
    if chance.random() < 0.05:
        again = chance.choice(sorted(pairs))
        text = text.removesuffix("}") + f',"{again}":{json.dumps(chance.choice((pairs[again], None, "a", 1)))}}}'
    return text.encode() + chance.choice((b"\n", b"\n", b"\r\n", b" \n"))


def _number(chance: random.Random) -> float:
    return chance.choice(
        (
            chance.randrange(5000),
            chance.random() * 10 ** chance.randrange(-5, 18),
            round(chance.random() * 5000, chance.randrange(4)),
            chance.getrandbits(chance.randrange(1, 70)),
            abs(float.fromhex(f"0x1.{chance.getrandbits(52):013x}p{chance.randrange(-1000, 1000)}")),
            -0.0,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
