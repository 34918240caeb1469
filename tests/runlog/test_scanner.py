"""The native scanner: it takes what it understands wholly, says of it what the decoder says, and of nothing else."""

from __future__ import annotations

import ctypes
import random
import struct
import subprocess
import sys
import zlib
from array import array
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from runlog_lines import end, logs, start
from runlog_twins import differences, is_taken

from ops_checks.runlog import scanner
from ops_checks.runlog.decoder import Record, RunEnd, decode_line
from ops_checks.runlog.filter import RunFilter

if TYPE_CHECKING:
    from types import ModuleType

FULL = b'{"event":"run_end","trace_id":"a","command":"done","ts_epoch_ms":5,"exit_code":0,'
_filters = st.sampled_from(
    [
        RunFilter(),
        RunFilter(details=False),
        RunFilter(since_ms=1000),
        RunFilter(since_ms=1000, until_ms=1004, valid_ms=(995, 1005)),
    ]
)


def test_it_is_built_from_this_source(native: ModuleType) -> None:
    """These tests try the scanner that stands here, and not one that was built before."""
    source = Path(scanner.__file__).with_name("_scanner.c")
    assert f"{zlib.crc32(source.read_bytes()):08x}" == native.SOURCE, "make the environment anew: ci/env test"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(logs, _filters)
def test_both_make_the_same_columns(native: ModuleType, log: bytes, run_filter: RunFilter) -> None:
    """Of every line that the scanner takes it says what the decoder says."""
    assert differences(native, log, run_filter)[1] == []


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u08dnulltrue\r e1-.E+', max_size=60).map(str.encode))
@example(b'"\\ud800"')
@example(b'"\\ud83d\\ude00"')
@example(b"[" * 65 + b"]" * 65)
@example(b"\xed\xa0\x80")
@example(b'"\xf4\x90\x80\x80"')
@example(b'"\xc0\x80"')
def test_any_value(native: ModuleType, value: bytes) -> None:
    """Whatever stands in the place of a value, known or not, as key or as text: both say the same, or the decoder."""
    for key in ("x", "duration_ms", "ts_epoch_ms", "exit_code", "error", "trace_id"):
        line = b'{"command":"a","%b":%b,"event":"run_start"}\n' % (key.encode(), value)
        assert differences(native, line, RunFilter())[1] == []
    for line in (b'{"event":"x","%b":1}\n' % value, b'{"event":"x","error":"%b"}\n' % value):
        assert differences(native, line, RunFilter())[1] == []


def _is_exact(native: ModuleType, text: str) -> bool:
    line = FULL + f'"duration_ms":{text}}}\n'.encode()
    row = decode_line(line)
    if not is_taken(native, line, RunFilter()):
        return False
    assert isinstance(row, RunEnd)
    answer = scanner.scan(native, line, 0, RunFilter())
    assert struct.unpack("<d", answer["durations"]) == (row.duration_ms,) == (float(text),)
    return True


@settings(max_examples=2000, deadline=None)
@given(st.floats(min_value=1e-3, max_value=1e16))
def test_every_duration_as_python_writes_it_is_taken(native: ModuleType, value: float) -> None:
    """`repr` writes up to 17 digits: all of them are read, to the last bit."""
    assert _is_exact(native, repr(value))


@settings(max_examples=2000, deadline=None)
@given(st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
@example("9007199254740993")
@example("9007199254740992.5")
@example("0.1000000000000000055")
@example("1844674407370955161.5")
@example("9999999999999999999")
@example("1e22")
@example("1e23")
@example("0e99")
def test_no_duration_is_rounded_another_way(native: ModuleType, text: str) -> None:
    """Any spelling of a number is read as the nearest double, or by the decoder."""
    _is_exact(native, text)


def test_halves_between_two_doubles(native: ModuleType) -> None:
    """A number just at, below and above the middle of two doubles goes to the right one."""
    chance = random.Random(1)
    for _ in range(3000):
        whole, tens = chance.getrandbits(53) | 1 << 52, chance.randrange(1, 4)
        middle = (2 * whole + 1) * 5**tens  # times 10^-tens it is (2 * whole + 1) / 2^tens, which no double is
        for digits in (middle - 1, middle, middle + 1):
            text = f"{digits // 10**tens}.{digits % 10**tens:0{tens}}"
            _is_exact(native, text)


TAKEN = [
    b'{"event":"run_start"}\n',
    b'{"event":"beat","ts_epoch_ms":-5}\r\n',
    b' \t{ "event" : "run_end" , "command" : "" , "exit_code" : -1 } \n',
    FULL + b'"duration_ms":12.5,"item_id":null,"error":null,"x":{"a":[1,2.5e3,true,false,null,{}],"b":[]}}\n',
    FULL + b'"error":"\\uc784\\ub300 \\ud83d\\ude00 \\"\\\\\\/\\b\\f\\n\\r\\t","status":"\xed\x95\x9c"}\n',
]
LEFT = [
    b"\n",
    b"{}\n",
    b"null\n",
    b'{"event":"run_end","command":"a"}\n',
    b'{"event":"run_end","exit_code":0}\n',
    b'{"event":"x","event":"x"}\n',
    b'{"event":"x",}\n',
    b'{"event":"x"}}\n',
    b'{"event":"x"} {}\n',
    b'{"event":"x","\\u0065rror":"a"}\n',
    b'{"event":"run_\\u0065nd","command":"a","exit_code":0}\n',
    b'{"event":"x","duration_ms":-1}\n',
    b'{"event":"x","duration_ms":NaN}\n',
    b'{"event":"x","ts_epoch_ms":1.0}\n',
    b'{"event":"x","ts_epoch_ms":01}\n',
    b'{"event":"x","exit_code":true}\n',
    b'{"event":"x","status":null}\n',
    b'{"event":"x","x":"\\ud800"}\n',
    b'{"event":"x","x":"\xff"}\n',
    b'{"event":"x","x":"\t"}\n',
    b'{"event":"x","x":' + b"[" * 65 + b"]" * 65 + b"}\n",
    b'{"event":"x","status":1}\n',
    b'\xef\xbb\xbf{"event":"x"}\n',
]


@pytest.mark.parametrize("line", TAKEN)
def test_taken(native: ModuleType, line: bytes) -> None:
    """Lines as writers write them do not go to the decoder."""
    assert is_taken(native, line, RunFilter())
    assert differences(native, line, RunFilter()) == (1, [])


@pytest.mark.parametrize("line", LEFT)
def test_left_to_the_decoder(native: ModuleType, line: bytes) -> None:
    """What is malformed, and what only may be, is the decoder's, also in the last bytes of a buffer."""
    assert not is_taken(native, line, RunFilter())
    assert differences(native, end() + line + end(), RunFilter()) == (2, [])


@pytest.mark.parametrize("key", Record.__struct_fields__)
def test_every_key_of_the_decoder_is_known(native: ModuleType, key: str) -> None:
    """A key that the decoder learns, and the scanner does not, would be taken with any value."""
    wrong = f'{{"event":"x","{key}":[]}}\n'.encode()
    assert not is_taken(native, wrong, RunFilter())
    assert is_taken(native, wrong.replace(f'"{key}":['.encode(), b'"x":['), RunFilter())


def test_a_time_that_is_none_is_the_decoders(native: ModuleType) -> None:
    """A record outside of the valid times is left, so that the decoder says what is wrong with it."""
    line = end(ts_epoch_ms=2000)
    assert [is_taken(native, line, RunFilter(valid_ms=(1000, last))) for last in (1999, 2000)] == [False, True]


def test_every_cut_of_a_line(native: ModuleType) -> None:
    """A line that ends anywhere, with a line break and with nothing behind it, is read to there and no further."""
    for line in TAKEN:
        for cut in range(len(line)):
            assert differences(native, line[:cut] + b"\n", RunFilter())[1] == []


@pytest.mark.parametrize("count", [254, 255, 256, 700])
def test_many_commands(native: ModuleType, count: int) -> None:
    """A block of more kinds of ends than one answer has numbers for is read in several answers."""
    log = b"".join(end(command=f"c{number}") for number in range(count)) * 2
    assert differences(native, log, RunFilter()) == (2 * count, [])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", None])), max_size=12))
def test_pairs(native: ModuleType, runs: list[tuple[bool, str | None]]) -> None:
    """Whatever starts and ends stand there, leaving out those that are pairs changes nothing."""
    lines = [
        (b'{"event":"run_start"' if is_start else b'{"event":"run_end","command":"a","exit_code":0')
        + (b"}\n" if trace is None else f',"trace_id":"{trace}"}}\n'.encode())
        for is_start, trace in runs
    ]
    assert differences(native, b"".join(lines), RunFilter())[1] == []


@pytest.mark.parametrize("used", [True, False])
def test_equal_ends_have_equal_keys(native: ModuleType, monkeypatch: pytest.MonkeyPatch, used: bool) -> None:  # noqa: FBT001
    """The key is of what an end says: escapes, spaces, order and unknown keys make no difference, nor who read it."""
    monkeypatch.setattr(scanner, "native", native if used else None)
    record: dict[str, Any] = {"trace_id": "a", "ts_epoch_ms": 5, "error": 'é"\n\U0001f600', "item_id": None}
    one = end(**record, duration_ms=2).replace(b"}", b',"item_id":null}')
    others = [
        one.replace(b": 2}", b": 2.0}").replace(b"2,", b"2.0,"),
        one.replace(b'"done"', b'"d\\u006fne"'),
        one.replace(b"\\u00e9", "é".encode()),
        one.replace(b"}", b',"host":"x"}'),
    ]
    differing = [one.replace(b',"item_id":null', b""), one.replace(b"null", b'""'), one.replace(b": 5", b": 6")]

    def key(line: bytes) -> int:
        (columns,) = scanner.read_columns(line, RunFilter(), lambda: True)
        return columns.keys[0]

    assert {key(line) for line in others} == {key(one)}
    assert len({key(one), *map(key, differing)}) == 4
    assert key(end(ts_epoch_ms=5, trace_id="")) == key(end(trace_id="a")) == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((b"", 0, 0, True, 0, 0, None, None, 0), ValueError),
        ((b"{}", 0, 0, True, 0, 0, None, None, 0), ValueError),
        ((b"{}\n{}", 3, 0, True, 0, 0, None, None, 0), ValueError),
        ((b"{}\n", 3, 0, True, 0, 0, None, None, 0), ValueError),
        ((b"{}\n", -1, 0, True, 0, 0, None, None, 0), ValueError),
        (("{}\n", 0, 0, True, 0, 0, None, None, 0), TypeError),
        ((b"{}\n", 0, 0, True, 0, 1 << 63, None, None, 0), OverflowError),
        ((b"{}\n", 0, 0, True, 0, 0, (1 << 63, 0), None, 0), OverflowError),
        ((b"{}\n", 0, 0, True, 0, 0, (0,), None, 0), IndexError),
        ((b"{}\n", 0, 0, True, 0, 0, (0, "x"), None, 0), TypeError),
        ((b"{}\n",), TypeError),
        ((b"{}\n", 0, 0, True, 0, 0, None, b"\0\0\0\0", 0), BufferError),
        ((b"{}\n", 0, 0, True, 0, 0, None, bytearray(4), 0), ValueError),
        ((b"{}\n", 0, 0, True, 0, 0, None, array("Q", [0]), 0), ValueError),
    ],
)
def test_arguments_that_cannot_be(native: ModuleType, arguments: Any, error: type[Exception]) -> None:
    """They are refused before a byte is read."""
    with pytest.raises(error):
        native.scan(*arguments)


_ROWS = (b"\0", b"\0", array("d", [1.0]), b"\1", [array("I", [0, 0])])


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({0: b"\0\0"}, ValueError),
        ({0: b"\1"}, ValueError),
        ({1: b""}, ValueError),
        ({1: b"\1"}, ValueError),
        ({2: array("d")}, ValueError),
        ({3: b""}, ValueError),
        ({4: []}, ValueError),
        ({4: [array("Q", [0])]}, ValueError),
        ({4: [array("I", [0]), bytes(4)]}, BufferError),
        ({4: (array("I", [0]),)}, TypeError),
    ],
)
def test_rows_that_cannot_be(native: ModuleType, changed: dict[int, Any], error: type[Exception]) -> None:
    """They are refused: no table is written to behind its end."""
    assert native.tally(*_ROWS) == (array("I", [1]).tobytes(), b"", b"")
    with pytest.raises(error):
        native.tally(*(changed.get(at, value) for at, value in enumerate(_ROWS)))


def test_durations_of_rows(native: ModuleType) -> None:
    """Whole ones that a table has are counted in that of their row; the others are left, but for none."""
    values = array("d", [0.0, 1.0, 1.0, 2.0, 1.5, -0.0, nan, 1e300, inf, 5e9, 1.0])
    tables = [array("I", [7, 7]), array("I", [0, 0, 0])]
    rows, groups = b"\0\0\1\1\1\0\0\0\0\1\0", b"\0\1\0\0\0\0\0\0\0\0\2"
    counts, rest_rows, rest = native.tally(rows, groups, values, b"\1\1\0", tables)
    assert array("I", counts).tolist() == [5, 1, 1, 4, 0, 0]
    assert [list(table) for table in tables] == [[9, 8], [0, 1, 1]]
    assert list(zip(rest_rows, array("d", rest), strict=True)) == [(1, 1.5), (0, 1e300), (0, inf), (1, 5e9)]


def test_cuts_of_time(native: ModuleType) -> None:
    """A time is behind the cuts that it has reached."""
    times = array("q", [-(2**63), 4, 5, 6, 7, 2**63 - 1])
    assert native.locate(times, array("q", [5, 7])) == bytes([0, 0, 1, 1, 2, 2])
    assert (native.locate(array("q"), array("q", [5])), native.locate(times, array("q"))) == (b"", bytes(6))
    with pytest.raises(ValueError, match="at most 255 cuts"):
        native.locate(times, array("q", range(256)))


def test_any_buffer(native: ModuleType) -> None:
    """Bytes are not the only buffer, and none is written to."""
    data, rest = end() + start(), (0, 1, True, -9, 9, None, None, 3)
    for buffer in (bytearray(data), memoryview(data), (ctypes.c_char * len(data)).from_buffer_copy(data)):
        assert native.scan(buffer, *rest) == native.scan(data, *rest)


@pytest.mark.parametrize(
    ("program", "state"),
    [
        ("", "native"),
        ("import os; os.environ['OPS_CHECKS_SCANNER'] = 'off'", "none"),
        ("import sys; sys.modules['ops_checks.runlog._scanner'] = None", "none"),
        (
            "import sys, types; old = types.ModuleType('old'); old.INTERFACE = 0\n"
            "import ops_checks.runlog; sys.modules['ops_checks.runlog._scanner'] = old",
            "none",
        ),
    ],
)
def test_one_that_is_missing_or_of_another_version_is_not_used(native: ModuleType, program: str, state: str) -> None:
    """Without a scanner, and with one that this version was not made for, the decoder reads all, and it is told."""
    code = f"{program}\nfrom ops_checks.runlog.scanner import state; print(state())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(",")[0].strip() == state
