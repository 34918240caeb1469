"""What is read and accepted without the YAML parser and jsonschema: the same as with them, or left to them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ops_checks.model import FIELDS, STATUSES
from ops_checks.policy.crosschecks import crosschecks
from ops_checks.policy.document import MAX_CONTENT, MAX_DEPTH, MAX_VALUES
from ops_checks.policy.loader import parse_policy
from ops_checks.policy.plain_schema import follows_schema
from ops_checks.policy.plain_yaml import read_plain
from ops_checks.policy.schema import policy_schema
from ops_checks.policy.validator import problems
from ops_checks.policy.yaml_reader import read
from ops_checks.rules.registry import BY_METRIC, WAIVABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OF_INIT = files("ops_checks.scaffold").joinpath("templates", "ops-checks.yaml").read_text(encoding="utf-8")
#: The policy of `init` with all of its settings taken out of their comments.
WHOLE = re.sub(r"(?m)^( *)# (?!yaml)(?=[ a-z_-]+:)", r"\1", OF_INIT)
USUAL = """\
queue: docs/QUEUE.md
db: "var/queue db.sqlite"
log:
- logs/orch_runs.jsonl
- 'logs/old/*.jsonl.gz'
timezone: -03:30
operate_on: both
consistency:
  fields: [status, notes]
  severity: {missing-in-md: warning, field-mismatch: off}
  as_rendered: true
history: on
kpi:
    thresholds:
        failure_rate: {max: 0.2, warn_max: 0.1, min_samples: 20, severity: warning}
        latency_p95_ms: 1500   # of `done` and `fail`
        malformed_lines: off
    window: 7d
waivers:
  - rule: missing-in-db
    item: ORCH-030
    reason: 손으로 추가됨, 다음 가져오기에서 반영
    owner: kim
    expires: "2030-12-31"

  -   owner: 'lee'
      rule: field-mismatch
      # said on Monday
      reason: see https://example.org/a#b, part 2
      expires: 2030-01-31
"""
SCHEMA = Draft202012Validator(policy_schema())


def same_as_parsed(text: str) -> bool:
    """Return whether a text is read as plain; assert that it then says the same, at the same places, to the parser."""
    plain = read_plain(text)
    if plain is None:
        return False
    parsed = read(text)
    assert parsed.problems == []
    assert repr(plain.value) == repr(parsed.value)  # repr: 1, 1.0 and True are equal
    assert list(plain.offsets.items()) == list(parsed.offsets.items())
    if follows_schema(plain.value) and not any(crosschecks(plain.value)):
        assert problems(parsed) == []
    return True


@pytest.mark.parametrize("text", [OF_INIT, WHOLE, USUAL], ids=["of init", "all of init's settings", "usual"])
def test_usual_policies_are_plain(text: str):
    """What `init` lays down, with and without its comments, and what people write, is read without the parser."""
    assert same_as_parsed(text)
    plain = read_plain(text)
    assert plain is not None
    assert follows_schema(plain.value)
    assert not any(crosschecks(plain.value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "5",
        "{}",
        "kpi:\r\n  window: 7d\r\n",
        "kpi:\n\twindow: 7d\n",
        "kpi:\n  window:\t7d\n",
        "\ufeffqueue: a\n",
        "queue: a\u00a0b\n",
        "queue: a # \u2028 b\n",
        "queue: a\x85db: b\n",
        "%YAML 1.2\n---\nqueue: a\n",
        "---\nqueue: a\n",
        "queue: a\n...\n",
        " queue: a\n",
        "? queue\n: a\n",
        "'queue': a\n",
        "queue : a\n",
        "queue:a\n",
        "queue: a: b\n",
        "queue: a\n  b\n",
        "queue:\n  a\n",
        "queue: 'a\n  b'\n",
        "queue: |\n  a\n",
        "queue: >-\n  a\n",
        "queue: &a b\ndb: *a\n",
        "queue: !!str a\n",
        "queue: 'it''s'\n",
        'queue: "a\\x41"\n',
        'queue: "a"b\n',
        "queue: 'a'#b\n",
        "queue: a\nqueue: b\n",
        "kpi: {window: 7d, window: 8d}\n",
        "queue: a\n db: b\n",
        "kpi:\n    window: 7d\n  commands: [a]\n",
        "kpi:\ndb: a\n",
        "kpi: ~\n",
        "kpi: null\n",
        "timezone: .nan\n",
        "timezone: 1e999\n",
        "log: []\n",
        "log: [a, ]\n",
        "log: [a, [b]]\n",
        "log: [a\n  , b]\n",
        "log: [a b]\n",
        "log: [a]b\n",
        "log: [a] b\n",
        "log: [a]#b\n",
        "log: ['a, b']\n",
        "log: ['a' #b]\n",
        "log: [*a]\n",
        "log:\n- - a\n",
        "log:\n-\n  a\n",
        "log:\n- a\n b\n",
        "log:\n- a:\n- b\n",
        "  queue: a\n  db: b\n",
        "kpi: {window:7d}\n",
        "kpi: {window: }\n",
        "kpi: {window}\n",
        "kpi: {'window': 7d}\n",
        "<<<<<<< HEAD\nqueue: a\n",
        "queue: @a\n",
        "queue: `a`\n",
        "queue: - a\n",
        "queue: ? a\n",
        "queue: , a\n",
        "queue: a:\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(text: str):
    """Whatever else YAML allows or forbids is for the parser, which alone says what is wrong."""
    assert read_plain(text) is None


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        (f"queue: {'a' * (MAX_CONTENT - 7)}", True),
        (f"queue: {'a' * (MAX_CONTENT - 6)}", False),
        (f"queue: a\n#{'b' * MAX_CONTENT}\n", True),
        ("log:\n" + "- a\n" * (MAX_VALUES - 2), True),
        ("log:\n" + "- a\n" * (MAX_VALUES - 1), False),
        ("".join(f"{' ' * depth}a:\n" for depth in range(MAX_DEPTH - 1)) + " " * MAX_DEPTH + "a: b", True),
        ("".join(f"{' ' * depth}a:\n" for depth in range(MAX_DEPTH)) + " " * MAX_DEPTH + "a: b", False),
    ],
)
def test_what_is_too_much_is_left_to_the_parser(text: str, is_plain: bool):  # noqa: FBT001 - a column of the table
    """As much as the parser reads is read, and no more: the parser says what is too much."""
    assert same_as_parsed(text) is is_plain
    assert bool(read(text).problems) is not is_plain


TOKENS = [
    *(
        " ",
        "  ",
        "\n",
        "#",
        " #",
        ":",
        ": ",
        "-",
        "- ",
        "'",
        '"',
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "!t ",
        "|",
        ">",
    ),
    *(
        "%",
        "@",
        "`",
        "?",
        "? ",
        "\t",
        "\r",
        "\r\n",
        "\ufeff",
        "\u00a0",
        "\u2028",
        "\x85",
        "\\",
        "0",
        "1",
        "0x1f",
        "1e3",
    ),
    *(".5", "-1", "+1", "true", "off", "null", "~", "...", "---", "é", "가", "a", "b:", "k: v", "\u200b", "<<", ".inf"),
    *("1_0", "12:30", "2026-01-01", "=", "//", "\x00", "\ud7ff", "\ue000", "\ufffe", "\U0001f600"),
]


@st.composite
def mutated(draw: Callable[..., object]) -> str:
    """Return some lines of a policy that is written as people write, with a few places changed."""
    lines = str(draw(st.sampled_from([OF_INIT, WHOLE, USUAL]))).split("\n")
    first = draw(st.integers(0, len(lines) - 1))
    lines = lines[first : first + draw(st.integers(1, 12))]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        line, how = lines[at], draw(st.sampled_from(["token", "cut", "indent", "twice", "noise"]))
        place = draw(st.integers(0, len(line)))
        if how == "token":
            lines[at] = line[:place] + draw(st.sampled_from(TOKENS)) + line[place:]
        elif how == "cut":
            lines[at] = line[:place] + line[place + draw(st.integers(1, 3)) :]
        elif how == "indent":
            lines[at] = " " * draw(st.integers(0, 5)) + line.lstrip(" ")
        elif how == "twice":
            lines.insert(draw(st.integers(0, len(lines))), line)
        else:
            lines[at] = "".join(draw(st.lists(st.sampled_from(TOKENS), max_size=4)))
    return "\n".join(lines)


@example("a: b\n# c\n  # d\n\ne: f")
@example("a:   # c\n  - b\nc: d # e")
@example("a:\n- b: c\n  d:\n  - e\n- f")
@given(mutated())
def test_what_is_plain_is_what_the_parser_reads(text: str):
    """Whatever is changed in a policy: what is still plain has the values and places that the parser finds."""
    same_as_parsed(text)


@given(st.lists(st.sampled_from([*TOKENS, "queue: a\n", "kpi:\n", "log:\n"]), max_size=12).map("".join))
def test_noise_is_what_the_parser_reads(text: str):
    """The same of any text of the characters that mean something."""
    same_as_parsed(text)


WORDS = st.sampled_from(
    [*FIELDS, *STATUSES, *WAIVABLE[:4], "all", "on", "off", "error", "warning", "db", "both", "md", "7d", "+09:00", ""]
) | st.sampled_from(["2030-12-31", "2030-02-30", "warn", "spark", "2s", "a\n", " ", "a/b.md", "postgresql://u:p@h/d"])
NUMBERS = st.sampled_from([0, 1, -1, 0.25, 0.1, 1.0, 60.0, 9, 5.75, 14, 15, 10**9, 10**25, 1e300, True, False])
KEYS = st.sampled_from(
    [
        *policy_schema()["properties"],
        *(key for part in policy_schema()["$defs"].values() for key in part.get("properties", ())),
        *BY_METRIC,
        "field-mismatch",
        "unknown",
    ]
)
LEAVES = st.none() | WORDS | NUMBERS


def values(schema: dict[str, object]) -> st.SearchStrategy[object]:
    """Return what follows a schema, or nearly: now and then any value stands for another."""
    if "$ref" in schema:
        schema = policy_schema()["$defs"][str(schema["$ref"]).rpartition("/")[2]]
    right: st.SearchStrategy[object] = LEAVES
    if "properties" in schema:
        properties = {name: st.deferred(lambda each=each: values(each)) for name, each in schema["properties"].items()}
        right = st.fixed_dictionaries({}, optional=properties)
    elif "anyOf" in schema:
        right = st.one_of([values(each) for each in schema["anyOf"]])
    elif "items" in schema:
        right = st.lists(st.deferred(lambda: values(schema["items"])), max_size=3)
    elif "enum" in schema or "const" in schema:
        right = st.sampled_from(schema.get("enum") or [schema["const"]])
    examples = schema.get("examples")
    right = right | st.sampled_from(examples) if examples else right
    return st.integers(0, 19).flatmap(lambda chance: right if chance else LEAVES | st.dictionaries(KEYS, LEAVES))


@given(values(policy_schema()))
def test_what_is_accepted_follows_the_schema(value: object):
    """Whatever follows the schema plainly, in that jsonschema finds no error."""
    if follows_schema(value):
        assert list(SCHEMA.iter_errors(value)) == []


@pytest.mark.parametrize(
    "value",
    [
        {"unknown": 1},
        {"kpi": {"unknown": 1}},
        {"kpi": {"stale_minutes": True}},
        {"kpi": {"stale_minutes": -1}},
        {"kpi": {"stale_minutes": 60.0}},
        {"kpi": {"commands": []}},
        {"kpi": {"window": "7d\n"}},
        {"kpi": {"thresholds": {"failure_rate": 1.5}}},
        {"kpi": {"thresholds": {"failure_rate": {"severity": "error"}}}},
        {"kpi": {"thresholds": {"failure_rate": {"max": 0.1, "unknown": 1}}}},
        {"timezone": 0.1},
        {"timezone": 10**300},
        {"waivers": [{"rule": "missing-in-db"}]},
        {"queue": None},
        [],
        None,
    ],
)
def test_what_is_not_accepted(value: object):
    """What the schema forbids, and a whole number with a point, which it allows, are left to jsonschema."""
    assert not follows_schema(value)


def test_a_keyword_that_is_not_known_is_followed_by_nothing(monkeypatch: pytest.MonkeyPatch):
    """A schema that grows a keyword is never taken for one without it."""
    monkeypatch.setitem(policy_schema()["$defs"]["path"], "maxLength", 5)
    assert not follows_schema({"queue": "a"})


def test_a_plain_policy_takes_neither_parser_nor_validator(tmp_path: Path):
    """What `init` lays down is read without the modules whose import takes most of the time."""
    (tmp_path / "p.yaml").write_text(OF_INIT, encoding="utf-8")
    code = (
        "import sys; from ops_checks.policy.loader import load_policy; load_policy(sys.argv[1]); "
        "print(*{'ruamel.yaml', 'jsonschema', 'importlib.resources', 'json'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "p.yaml"], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_line_of_a_waiver_is_that_of_its_first_key():
    """A waiver that is read as plain has the line that messages name."""
    assert [waiver.line for waiver in parse_policy(USUAL.encode(), "p").waivers] == [20, 26]
