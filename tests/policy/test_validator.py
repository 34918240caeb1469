"""What is no policy is refused with everything that is wrong, each at its line and column."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ops_checks.errors import UsageError
from ops_checks.model import FIELDS, STATUSES
from ops_checks.policy.loader import load_policy
from ops_checks.policy.model import Policy
from ops_checks.policy.schema import policy_schema

if TYPE_CHECKING:
    from pathlib import Path


def problems(folder: Path, text: str | bytes) -> list[str]:
    """Write what is no policy, and return what is said of it, without the file's name."""
    file = folder / "p.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load_policy(str(file))
    assert caught.value.exit_code == 4
    lines = [caught.value.message, *caught.value.details]
    return [line.removeprefix(f"{file}:") for line in lines]


ROOT_KEYS = "queue, db, log, timezone, source_of_truth, operate_on, consistency, kpi, history, rules, waivers"
LIMIT_KEYS = "max, min, warn_max, warn_min, min_samples, severity"
SECTION = "a mapping of settings"
NUMBER = "a number of 0 or more"
LIMITS = f"{NUMBER}, `off` or a mapping of limits"
SOME_LIMIT = "a mapping with at least one of `max`, `min`, `warn_max`, `warn_min`"
RATE = "a rate from 0 to 1 (20 % is 0.2)"
PATH = "a path (not empty, no control characters)"
MINUTES = "a whole number of minutes, 0 or more"
ZONE = "a zone such as `Europe/Berlin` or an offset from `-14:00` to `+14:00`"
HOURS = "hours from -14 to 14, in quarters"
SPAN = "a time span: a whole number and `s`, `m`, `h` or `d`"
FIELD = f"a field ({', '.join(FIELDS[1:])})"
STATUS = f"a status ({', '.join(STATUSES)})"
FIELD_LIST = "`all` or a list of field names"
DRIFT_SEVERITY = "`error`, `warning` or `off`"
INSUFFICIENT = "`pass`, `warn` or `fail`"
TEXT = "a text that is not blank"
ARABIC_7 = "\N{ARABIC-INDIC DIGIT SEVEN}"


@pytest.mark.parametrize(
    ("text", "where", "value", "expected"),
    [
        ("[]", "1:1: top level", "an empty list", SECTION),
        ("5", "1:1: top level", "5", SECTION),
        ("~", "1:1: top level", "nothing", SECTION),
        ("kpi:", "1:5: kpi", "nothing", SECTION),
        ("kpi:\ndb: x\n", "1:5: kpi", "nothing", SECTION),
        ("queue: 5", "1:8: queue", "5", PATH),
        ("queue: ''", "1:8: queue", '""', PATH),
        ('queue: "a\\n"', "1:8: queue", '"a\\n"', PATH),
        ('queue: "\\0"', "1:8: queue", '"\\x00"', PATH),
        ("log: []", "1:6: log", "an empty list", "a list of at least one path"),
        ("log: {}", "1:6: log", "an empty mapping", "a path or a list of paths"),
        ("log: [a, true]", "1:10: log.1", "true", PATH),
        ("source_of_truth: DB", "1:18: source_of_truth", '"DB"', "`markdown` (or `md`) or `db`; did you mean db?"),
        ("kpi: {log_cache: 1}", "1:18: kpi.log_cache", "1", "`true` or `false`"),
        ("kpi: {stale_minutes: 1.5}", "1:22: kpi.stale_minutes", "1.5", MINUTES),
        ("kpi: {stale_minutes: -1}", "1:22: kpi.stale_minutes", "-1", MINUTES),
        ("kpi: {window: 24}", "1:15: kpi.window", "24", SPAN),
        ("kpi: {window: 0h}", "1:15: kpi.window", '"0h"', SPAN),
        ('kpi: {window: "7d\\n"}', "1:15: kpi.window", '"7d\\n"', SPAN),
        (f"kpi: {{window: {ARABIC_7}d}}", "1:15: kpi.window", f'"{ARABIC_7}d"', SPAN),
        ("kpi: {max_log_age: 0d}", "1:20: kpi.max_log_age", '"0d"', SPAN),
        ("kpi: {max_log_age: off}", "1:20: kpi.max_log_age", '"off"', SPAN),
        ("kpi: {on_insufficient: w}", "1:24: kpi.on_insufficient", '"w"', INSUFFICIENT),
        (
            "kpi: {on_insufficient: warning}",
            "1:24: kpi.on_insufficient",
            '"warning"',
            f"{INSUFFICIENT}; did you mean warn?",
        ),
        ("kpi: {commands: []}", "1:17: kpi.commands", "an empty list", "a list of at least one command"),
        ("timezone: Asia/Seoul!", "1:11: timezone", '"Asia/Seoul!"', ZONE),
        ("timezone: +14:01", "1:11: timezone", '"+14:01"', ZONE),
        ('timezone: "+09:00\\n"', "1:11: timezone", '"+09:00\\n"', ZONE),
        ('timezone: "+14:00\\n"', "1:11: timezone", '"+14:00\\n"', ZONE),
        ("timezone: 15", "1:11: timezone", "15", HOURS),
        ("timezone: 9.1", "1:11: timezone", "9.1", HOURS),
        ("consistency: {fields: al}", "1:23: consistency.fields", '"al"', f"{FIELD_LIST}; did you mean all?"),
        ("consistency: {fields: [id]}", "1:24: consistency.fields.0", '"id"', FIELD),
        ("consistency: {fields: [note]}", "1:24: consistency.fields.0", '"note"', f"{FIELD}; did you mean notes?"),
        (
            *("consistency: {ignore_statuses: [done]}", "1:33: consistency.ignore_statuses.0", '"done"'),
            f"{STATUS}; did you mean DONE?",
        ),
        (
            *("consistency: {severity: {missing-in-db: warn}}", "1:41: consistency.severity.missing-in-db", '"warn"'),
            f"{DRIFT_SEVERITY}; did you mean warning?",
        ),
        ("kpi: {thresholds: {failure_rate: 20}}", "1:34: kpi.thresholds.failure_rate", "20", RATE),
        ("kpi: {thresholds: {success_rate: {min: 90}}}", "1:40: kpi.thresholds.success_rate.min", "90", RATE),
        ("waivers: {}", "1:10: waivers", "an empty mapping", "a list of waivers"),
        ("db: " + "x" * 50 + "\x7f", "1:55: top level", None, "U+007F"),
    ],
)
def test_not_allowed(tmp_path: Path, text: str, where: str, value: str | None, expected: str):
    """A value of the wrong kind or out of range is shown with its place and what may stand there."""
    if value is None:
        assert problems(tmp_path, text) == [f"{where}: no valid YAML: {expected} is not allowed in it"]
    else:
        assert problems(tmp_path, text) == [f"{where}: {value} is not allowed; expected {expected}"]


@pytest.mark.parametrize(
    ("limits", "where", "problem"),
    [
        ("true", "1:29", f"true is not allowed; expected {LIMITS}"),
        ("null", "1:29", f"nothing is not allowed; expected {LIMITS}"),
        ("'5'", "1:29", f'"5" is not allowed; expected {LIMITS}'),
        ("of", "1:29", f'"of" is not allowed; expected {LIMITS}; did you mean off?'),
        ("-1", "1:29", f"-1 is not allowed; expected {NUMBER}"),
        ("[1]", "1:29", f"a list is not allowed; expected {LIMITS}"),
        ("{}", "1:29", f"an empty mapping is not allowed; expected {SOME_LIMIT}"),
        ("{min_samples: 3}", "1:29", f"a mapping is not allowed; expected {SOME_LIMIT}"),
        ("{max: true}", "1:35.max", f"true is not allowed; expected {NUMBER}"),
        ("{max: '1'}", "1:35.max", f'"1" is not allowed; expected {NUMBER}'),
        ("{max: 1, min_samples: 0}", "1:51.min_samples", "0 is not allowed; expected a whole number from 1"),
        ("{max: 1, min_samples: true}", "1:51.min_samples", "true is not allowed; expected a whole number from 1"),
        ("{max: 1, severity: off}", "1:48.severity", '"off" is not allowed; expected `error` or `warning`'),
        (".nan", "1:29", ".nan is no finite number; numbers go up to 1e308"),
        ("{max: -.INF}", "1:35.max", "-.INF is no finite number; numbers go up to 1e308"),
        ("1e309", "1:29", "1e309 is no finite number; numbers go up to 1e308"),
        ("9" * 400, "1:29", f"{'9' * 39}… is no finite number; numbers go up to 1e308"),
        ("9" * 5000, "1:29", f"{'9' * 39}… is no finite number; numbers go up to 1e308"),
        ("0x" + "f" * 5000, "1:29", f"0x{'f' * 37}… is no finite number; numbers go up to 1e308"),
        ("{max: 3, min: 4}", "1:43.min", "4 contradicts max 3; expected at most max, or no value passes"),
        (
            "{max: 3, warn_max: 4}",
            "1:48.warn_max",
            "4 contradicts max 3; expected at most max, or no warning comes first",
        ),
        (
            "{min: 3, warn_min: 2}",
            "1:48.warn_min",
            "2 contradicts min 3; expected at least min, or no warning comes first",
        ),
        *(
            (
                f"{{{other}: 3, {name}: 4}}",
                f"1:{37 + len(other) + len(name)}.{name}",
                f"4 contradicts {other} 3; expected at most {other}, {why}",
            )
            for why in ("or no value passes without a warning",)
            for other, name in (("max", "warn_min"), ("warn_max", "warn_min"), ("warn_max", "min"))
        ),
    ],
)
def test_limits(tmp_path: Path, limits: str, where: str, problem: str):
    """A limit that cannot be compared, or that contradicts another, is an error and never a pass."""
    position, _, name = where.partition(".")
    path = f"kpi.thresholds.pending{'.' if name else ''}{name}"
    assert problems(tmp_path, f"kpi: {{thresholds: {{pending: {limits}}}}}") == [f"{position}: {path}: {problem}"]


EMPTY = "1:1: top level: empty; a policy is a mapping of settings, such as `queue: QUEUE.md`"
DIRECTIVE = "1:1: top level: a directive; a policy is plain YAML 1.2 without `%` lines"
SURROGATE = "half of a surrogate pair; write the character itself or as `\\U` and 8 digits"
INVALID = "top level: no valid YAML"
NUMBER_THAT_CANNOT_BE = "no valid YAML: behind this, an escape or a version with a number that cannot be"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queu: x", [f"1:1: queu: unknown key; did you mean queue?; allowed: {ROOT_KEYS}"]),
        ("zzz: x", [f"1:1: zzz: unknown key; allowed: {ROOT_KEYS}"]),
        ("KPI: {}", [f"1:1: KPI: unknown key; did you mean kpi?; allowed: {ROOT_KEYS}"]),
        ("x" * 50 + ": 1", [f"1:1: {'x' * 39}…: unknown key; allowed: {ROOT_KEYS}"]),
        ("<<: {db: x}", [f"1:1: <<: unknown key; allowed: {ROOT_KEYS}"]),
        ('"\\e[31m": x', [f"1:1: \\x1b[31m: unknown key; allowed: {ROOT_KEYS}"]),
        (
            "kpi: {thresholds: {pending: {Max: 1, min: 0}}}",
            [f"1:30: kpi.thresholds.pending.Max: unknown key; did you mean max?; allowed: {LIMIT_KEYS}"],
        ),
        ("db: x\ndb: y", ["2:1: db: a duplicate key; it is already on line 1"]),
        ("kpi:\n  window: 7d\n  window: 8d", ["3:3: kpi.window: a duplicate key; it is already on line 2"]),
        ("db: x\n\r'db': y", ["3:1: db: a duplicate key; it is already on line 1"]),
        ("? [a]\n: x", ["1:3: top level: a key that is no plain word"]),
        ("{a: b}: x", ["1:1: top level: a key that is no plain word"]),
        ("\x1b[31m: x", ["1:1: top level: no valid YAML: U+001B is not allowed in it"]),
        ("", [EMPTY]),
        ("# only prose\n", [EMPTY]),
        ("db: x\n---\ndb: y", ["2:1: top level: a second document starts here; a policy is one"]),
        ("db: &a x", ["1:5: db: an anchor (`&`); policies have no aliases"]),
        (
            "queue: &a x\ndb: *a",
            [
                "1:8: queue: an anchor (`&`); policies have no aliases",
                "2:5: db: an alias (`*`); write the value itself",
            ],
        ),
        ("db: !!str x", ["1:5: db: a tag (`!`); policies have plain values only"]),
        ("!x {db: y}", ["1:1: top level: a tag (`!`); policies have plain values only"]),
        (
            "db: !!python/object/apply:os.system [x]",
            [
                "1:5: db: a tag (`!`); policies have plain values only",
                f"1:5: db: a list is not allowed; expected {PATH}",
            ],
        ),
        ("%YAML 1.1\n---\ndb: x", [DIRECTIVE]),
        ("%TAG ! x\n---\ndb: x", [DIRECTIVE]),
        ("[" * 100_000, [f"1:51: {'0.' * 49}0: nested deeper than 50 levels"]),
        ("- " * 100_000, [f"1:101: {'0.' * 49}0: nested deeper than 50 levels"]),
        ("db: [x", [f"1:7: {INVALID}: expected ',' or ']', but got '<stream end>', while parsing a flow sequence"]),
        ("db: x\n- y", [f"2:1: {INVALID}: expected <block end>, but found '-', while parsing a block mapping"]),
        ('db: "\\ud83d"', [f"1:5: db: {SURROGATE}"]),
        ('db: "\\UFFFFFFFF"', [f"1:3: top level: {NUMBER_THAT_CANNOT_BE}"]),
        (f"%YAML 1.{'1' * 5000}\n--- {{}}", [f"1:1: top level: {NUMBER_THAT_CANNOT_BE}"]),
        (b"db: x\nqueue: \xc3\xa9\xff", ["2:9: top level: byte 0xff is not UTF-8; save the policy as UTF-8"]),
        (
            "db: x".encode("utf-16"),
            [
                "1:1: top level: is UTF-16 text, as PowerShell's `>` and Windows editors write it, not the policy: "
                "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE > NEW`)"
            ],
        ),
        (
            "db: " + "x " * 200_000,
            ["1:1: top level: 400,004 characters apart from comments; at most 300,000 are read"],
        ),
        (
            f"log: [{'a,' * 9_997}a]\ndb: x",
            ["2:5: db: more than 10,000 values; at most so many are read"],
        ),
        (
            "waivers: [{}]",
            [
                "1:11: waivers.0: lacks rule, reason, owner, expires; "
                "expected a mapping with `rule`, `reason`, `owner` and `expires`",
            ],
        ),
        (
            "waivers:\n- {rule: missing-in-md, reason: ' ', owner: '', expires: 2026-1-1}\n",
            [
                f'2:33: waivers.0.reason: " " is not allowed; expected {TEXT}',
                f'2:45: waivers.0.owner: "" is not allowed; expected {TEXT}',
                '2:58: waivers.0.expires: "2026-1-1" is not allowed; expected a day as YYYY-MM-DD',
            ],
        ),
    ],
)
def test_structure(tmp_path: Path, text: str | bytes, expected: list[str]):
    """Unknown keys, and whatever of YAML a policy must not hold, are refused where they stand."""
    assert problems(tmp_path, text) == expected


@pytest.mark.parametrize("day", ["2026-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "0000-01-01"])
def test_day_that_does_not_exist(tmp_path: Path, day: str):
    """A waiver cannot hold until a day that never comes."""
    text = f"waivers: [{{rule: blocked, reason: r, owner: o, expires: {day}}}]"
    expected = f"1:57: waivers.0.expires: {day} is no day that exists; expected a day as YYYY-MM-DD"
    assert problems(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("rule", "suggestion"),
    [("failure_rate", "failure-rate"), ("missing-in-dbs", "missing-in-db"), ("latency-p59-ms", "latency-p95-ms")],
)
def test_unknown_rule(tmp_path: Path, rule: str, suggestion: str):
    """A waiver of a rule that does not exist is an error that names the one that was meant."""
    (line,) = problems(tmp_path, f"waivers: [{{rule: {rule}, reason: r, owner: o, expires: 2026-01-01}}]")
    assert line.startswith(f'1:18: waivers.0.rule: "{rule}" is not allowed; expected a rule (missing-in-db, ')
    assert line.endswith(f"; did you mean {suggestion}?")


def test_all_problems_at_once(tmp_path: Path):
    """Problems of every kind come together, in the order of the file."""
    text = """\
queu: x
db: &a 5
kpi:
  window: 1x
  thresholds:
    blocked: {max: 1, min: .nan}
    pending: {max: 1, min: 2}
db: y
"""
    places = [line.split(": ")[0] for line in problems(tmp_path, text)]
    assert places == ["1:1", "2:5", "2:5", "4:11", "6:28", "7:28", "8:1"]


def test_first_twenty_in_full(tmp_path: Path):
    """Twenty problems are told in full, and how many more there are."""
    lines = problems(tmp_path, "".join(f"k{number}: 1\n" for number in range(53)))
    assert [line.split(":")[0] for line in lines[:20]] == [str(number) for number in range(1, 21)]
    assert lines[20:] == ["… and 33 more"]


# Laws: whatever the bytes

_PROBLEM = re.compile(r"[^\n]+?:[1-9][0-9]*:[1-9][0-9]*: [^\n]+?: [^\n]+")


def attempt(folder: Path, data: bytes) -> None:
    """Load bytes: a Policy, or a UsageError whose every line is one line and names a place."""
    file = folder / "p.yaml"
    file.write_bytes(data)
    try:
        loaded = load_policy(str(file))
    except UsageError as error:
        lines = [error.message, *error.details]
        assert len(lines) <= 21
        assert all(_PROBLEM.fullmatch(line) for line in lines if not line.startswith("… and ")), lines
        assert all(line.isprintable() for line in lines), lines
    else:
        assert isinstance(loaded, Policy)


LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


@LAW
@given(data=st.binary(max_size=60))
@example(data=b'"\\U00110000"')
@example(data=b"- |9")
@example(data=b"\xef\xbb\xbf\xef\xbb\xbfdb: x")
@example(data=b"? ? ?")
@example(data=b"%YAML 9.9\n---")
@example(data=b"{a, b: c}: {")
def test_any_bytes(tmp_path: Path, data: bytes):
    """No bytes end in anything but a policy or problems with their places."""
    attempt(tmp_path, data)


_TOKENS = (
    *"[]{},:?-#&*!|>%@`'\"~<=. \n\t\r\0\\",
    *("db: ", "kpi: ", "thresholds: ", "pending: ", "max: ", "min: ", "log: ", "window: ", "timezone: "),
    *("waivers: ", "rule: ", "expires: ", "2026-02-30", "7d", "+09:00", "1", "-1", "1e999", ".nan", "true", "null"),
    *("off", "0x1F", "<<", "\\u", "\\x41", "\u0085", "\u2028", "\ufeff", "가", "\U0001f600", "!!int ", "&a ", "*a"),
    *("\n  ", "\n    ", "- ", "---\n", "...\n", "%YAML 1.2\n"),
)


@LAW
@given(parts=st.lists(st.sampled_from(_TOKENS), max_size=30))
def test_any_yaml(tmp_path: Path, parts: list[str]):
    """Nothing that looks like YAML ends in anything but a policy or problems with their places."""
    attempt(tmp_path, "".join(parts).encode())


_KEYS = (
    *("queue", "db", "log", "kpi", "timezone", "consistency", "thresholds", "pending", "failure_rate"),
    *("max", "min", "warn_max", "window", "fields", "waivers", "rule", "expires"),
)
_WORDS = ("off", "7d", "db", "error", "DONE", "2026-01-01", "2026-02-30", "all", "+09:00")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_WORDS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@LAW
@given(tree=st.dictionaries(st.sampled_from(sorted(policy_schema()["properties"])), _VALUES))
def test_any_values(tmp_path: Path, tree: dict[str, object]):
    """No value in any place ends in anything but a policy or problems with their places."""
    attempt(tmp_path, json.dumps(tree).encode())
