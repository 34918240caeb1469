"""Setting a value in a policy changes that value and no other byte."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ops_checks.errors import UsageError, WriteError
from ops_checks.policy import edit, load_policy, set_value, write_value
from ops_checks.policy.yamltext import read

COMMENTED = """\
# yaml-language-server: $schema=policy.schema.json
#   kept as it is:    two  spaces,	a tab

queue:   "docs/QUEUE.md"      # the table people edit
'db' : 'var/it''s.db'
log:
    - logs/a.jsonl   # four spaces deep
    - "logs/b.jsonl"
kpi:
        thresholds:      # eight spaces deep
                # first the rates
                failure_rate: {  max: 0.20,warn_max: .1   }  # flow, spaced as somebody liked
                latency_p95_ms:
                        max: 2_000.yaml
                pending: 10
                blocked: off
                success_rate: 0.5

        window: 24h
        stale_minutes:      # to be decided
waivers:
- {rule: blocked, reason: "이관 \\u2192 later", owner: kim, expires: 2026-12-31}
- rule: pending
  reason: >-
     a long
     story
  owner: lee
  expires: "2026-12-31"   # quoted

# the last word, without a newline""".replace("2_000.yaml", "2000").replace("stale_minutes:  ", "stale_minutes: 60  ")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a valid policy with comments, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = Path("ops-checks.yaml")
    path.write_bytes(COMMENTED.encode())
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("where", "value", "before", "after"),
    [
        # the place of an existing value, in its quotes
        ("kpi.thresholds.failure_rate.max", "0.1", "{  max: 0.20,", "{  max: 0.1,"),
        ("kpi.thresholds.failure_rate.warn_max", "0.050", "warn_max: .1   }", "warn_max: 0.050   }"),
        ("kpi.thresholds.latency_p95_ms.max", " 1500 ", "max: 2000", "max: 1500"),
        ("kpi.thresholds.latency_p95_ms.max", "1e3", "max: 2000", "max: 1e3"),
        ("kpi.thresholds.pending", "off", "pending: 10", "pending: off"),
        ("kpi.thresholds.pending", "{max: 5, min_samples: 2}", "pending: 10", "pending: {max: 5, min_samples: 2}"),
        ("kpi.thresholds.failure_rate", "0.3", "{  max: 0.20,warn_max: .1   }", "0.3"),
        ("kpi.window", "7d", "window: 24h", "window: 7d"),
        ("kpi.window", "'7d'", "window: 24h", "window: 7d"),
        ("kpi.stale_minutes", "90", "stale_minutes: 60", "stale_minutes: 90"),
        ("queue", "QUEUE.md", '"docs/QUEUE.md"', '"QUEUE.md"'),
        ("queue", 'a"b', '"docs/QUEUE.md"', '"a\\"b"'),
        ("queue", "7", '"docs/QUEUE.md"', '"7"'),
        ("db", "kim's.db", "'var/it''s.db'", "'kim''s.db'"),
        ("log.0", "logs/c.jsonl", "- logs/a.jsonl ", "- logs/c.jsonl "),
        ("log.1", "- x", '"logs/b.jsonl"', '"- x"'),
        ("waivers.0.reason", "done", '"이관 \\u2192 later"', '"done"'),
        ("waivers.0.owner", "lee, kim", "owner: kim,", "owner: 'lee, kim',"),
        ("waivers.0.owner", "lee # or kim", "owner: kim,", "owner: 'lee # or kim',"),
        ("waivers.0.owner", "true", "owner: kim,", "owner: 'true',"),
        ("waivers.0.owner", "이순신", "owner: kim,", "owner: 이순신,"),
        ("waivers.1.owner", "two\nlines", "owner: lee", 'owner: "two\\nlines"'),
        ("waivers.1.expires", "2027-01-31", '"2026-12-31"   # quoted', '"2027-01-31"   # quoted'),
        ("waivers.1.expires", "'2027-01-31'", '"2026-12-31"   # quoted', '"2027-01-31"   # quoted'),
        # a bare number is short for a limit
        ("kpi.thresholds.pending.max", "20", "pending: 10", "pending: 20"),
        ("kpi.thresholds.blocked.max", "3", "blocked: off", "blocked: 3"),
        ("kpi.thresholds.success_rate.min", "0.9", "success_rate: 0.5", "success_rate: 0.9"),
        # new keys, at the end of their mapping
        ("kpi.thresholds.failure_rate.min_samples", "20", "warn_max: .1   }", "warn_max: .1, min_samples: 20   }"),
        ("waivers.0.item", "ORCH-1", "expires: 2026-12-31}", "expires: 2026-12-31, item: ORCH-1}"),
        (
            "waivers.1.item",
            "0x10",
            '"2026-12-31"   # quoted\n',
            "\"2026-12-31\"   # quoted\n  item: '0x10'\n",
        ),
        (
            "kpi.thresholds.latency_p95_ms.severity",
            "warning",
            "max: 2000\n",
            f"max: 2000\n{' ' * 24}severity: warning\n",
        ),
        (
            "kpi.thresholds.retry_count.warn_max",
            "5",
            "success_rate: 0.5\n",
            f"success_rate: 0.5\n{' ' * 16}retry_count:\n{' ' * 18}warn_max: 5\n",
        ),
        (
            "kpi.on_insufficient",
            "fail",
            "# to be decided\n",
            f"# to be decided\n{' ' * 8}on_insufficient: fail\n",
        ),
        (
            "consistency.severity.missing-in-md",
            "off",
            '"2026-12-31"   # quoted\n',
            '"2026-12-31"   # quoted\nconsistency:\n  severity:\n    missing-in-md: off\n',
        ),
        (
            "consistency.fields",
            "[status, notes]",
            '"2026-12-31"   # quoted\n',
            '"2026-12-31"   # quoted\nconsistency:\n  fields: [status, notes]\n',
        ),
    ],
)
def test_one_value(
    file: Path,
    newline: str,
    bom: str,
    where: str,
    value: str,
    before: str,
    after: str,
):
    """One place changes, and every other byte stays: comments, spacing, order, quotes, line ends, byte order mark."""
    old = bom + COMMENTED.replace("\n", newline)
    before, after = before.replace("\n", newline), after.replace("\n", newline)
    assert old.count(before) == 1
    file.write_bytes(old.encode())
    assert set_value(str(file), where, value) == old.replace(before, after)
    assert file.read_bytes() == old.encode()
    write_value(str(file), where, value)
    assert file.read_bytes() == old.replace(before, after).encode()
    load_policy(str(file))


@pytest.mark.parametrize(
    ("old", "where", "value", "new"),
    [
        ("{}", "db", "q.db", "{db: q.db}"),
        ("{ }\n", "kpi.thresholds.blocked.max", "1", "{kpi: {thresholds: {blocked: {max: 1}}} }\n"),
        ("{db: q,}", "queue", "w", "{db: q, queue: w,}"),
        ("kpi: {}", "kpi.window", "1d", "kpi: {window: 1d}"),
        ("kpi:", "kpi.window", "1d", "kpi:\n  window: 1d"),
        ("kpi:  # later\n  # window: 1h\n", "kpi.window", "1d", "kpi:  # later\n  window: 1d\n  # window: 1h\n"),
        ("kpi: ~ # later\n", "kpi.window", "1d", "kpi: {window: 1d} # later\n"),
        ("{kpi: }", "kpi.window", "1d", "{kpi: {window: 1d} }"),
        ("kpi:\n  window:\n", "kpi.window", "1d", "kpi:\n  window: 1d\n"),
        ("kpi:\n  window:  # h\n", "kpi.window", "1d", "kpi:\n  window: 1d  # h\n"),
        ("db:\nqueue: w\n", "db", "q", "db: q\nqueue: w\n"),
        ("db: a\r", "queue", "w", "db: a\rqueue: w\r"),
        ("---\ndb: a\n...\n", "queue", "w", "---\ndb: a\nqueue: w\n...\n"),
        ("db: a\n  b # c\nqueue: w", "db", "x", "db: x # c\nqueue: w"),
        ("db: a # x", "db", "b", "db: b # x"),
        ("db: |-\n  a\n\n# end\n", "queue", "w", "db: |-\n  a\nqueue: w\n\n# end\n"),
        ("db: a\n", "waivers", "[]", "db: a\nwaivers: []\n"),
        ("waivers: []\n", "waivers", "[{rule: blocked, reason: r, owner: o, expires: 2026-01-01}]", None),
        ("? db\n: a\n", "db", "b", "? db\n: b\n"),
        ('{"db":"a"}', "db", "b", '{"db":"b"}'),
        ('{"db":"a"}', "queue", "w", '{"db":"a", queue: w}'),
        ("kpi: {thresholds: {failure_rate: 2}}", "kpi.thresholds.failure_rate", "0.2", None),
    ],
)
def test_shapes(file: Path, old: str, where: str, value: str, new: str | None):
    """However a mapping is written, the value goes where it belongs; a file that was wrong may become right."""
    file.write_bytes(old.encode())
    expected = old.replace("[]", value).replace(": 2}", f": {value}}}") if new is None else new
    assert set_value(str(file), where, value) == expected


def test_same_value(file: Path):
    """Setting a value to what it is writes nothing at all."""
    before = file.stat()
    write_value(str(file), "kpi.window", "24h")
    assert file.stat() == before


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (
            "kpi.window",
            "24x",
            'ops-checks.yaml:19:17: kpi.window: "24x" is not allowed; expected a time span: a whole number and '
            "`m`, `h` or `d`; nothing was written",
        ),
        (
            "kpi.thresholds.failure_rate.max",
            "0.05",
            "ops-checks.yaml:12:54: kpi.thresholds.failure_rate.warn_max: 0.1 contradicts max 0.05; "
            "expected at most max, or no warning comes first; nothing was written",
        ),
        (
            "kpi.thresholds.failure_rate.max",
            ".nan",
            'ops-checks.yaml:12:39: kpi.thresholds.failure_rate.max: ".nan" is not allowed; '
            "expected a rate from 0 to 1 (20 % is 0.2); nothing was written",
        ),
        (
            "kpi.thresholds.failure_rate.maxx",
            "1",
            "ops-checks.yaml:12:58: kpi.thresholds.failure_rate.maxx: unknown key; did you mean max?; "
            "allowed: max, min, warn_max, warn_min, min_samples, severity; nothing was written",
        ),
        (
            "waivers.0.expires",
            "2026-02-30",
            "ops-checks.yaml:22:67: waivers.0.expires: 2026-02-30 is no day that exists; "
            "expected a day as YYYY-MM-DD; nothing was written",
        ),
        (
            "queue",
            "",
            'ops-checks.yaml:4:10: queue: "" is not allowed; expected a path (not empty, no control characters); '
            "nothing was written",
        ),
        (
            "kpi.thresholds.pending.min",
            "1",
            "ops-checks.yaml: kpi.thresholds.pending: is a single value, without min below it; nothing was written; "
            "set kpi.thresholds.pending itself",
        ),
        (
            "kpi.thresholds.success_rate.max",
            "1",
            "ops-checks.yaml: kpi.thresholds.success_rate: is a single value, without max below it; "
            "nothing was written; set kpi.thresholds.success_rate itself",
        ),
        (
            "queue.x",
            "1",
            "ops-checks.yaml: queue: is a single value, without x below it; nothing was written; set queue itself",
        ),
        (
            "waivers.2.owner",
            "kim",
            "ops-checks.yaml: waivers: has no entry 2 (they count from 0); nothing was written; add it in the file",
        ),
        (
            "waivers.first.owner",
            "kim",
            "ops-checks.yaml: waivers: has no entry first (they count from 0); nothing was written; add it in the file",
        ),
        (
            "waivers.1.reason",
            "short",
            "ops-checks.yaml:24: waivers.1.reason: spans several lines; nothing was written; edit it in the file",
        ),
        ("log", "x", "ops-checks.yaml:7: log: spans several lines; nothing was written; edit it in the file"),
        (
            "queue",
            "\udc80",
            "ops-checks.yaml: queue: cannot be set to \\udc80 here; nothing was written; edit the file",
        ),
        ("", "x", ": no path to a value; expected words such as kpi.thresholds.failure_rate.max"),
        ("kpi..window", "x", "kpi..window: no path to a value; expected words such as kpi.thresholds.failure_rate.max"),
        ("a\n: b", "x", "a\\n: b: no path to a value; expected words such as kpi.thresholds.failure_rate.max"),
    ],
)
def test_refused(file: Path, where: str, value: str, message: str):
    """What would be no policy, or has no place, is refused in the words of the check, and the file stays as it was."""
    with pytest.raises(UsageError) as caught:
        write_value(str(file), where, value)
    assert (caught.value.message, caught.value.details) == (message, ())
    assert file.read_bytes() == COMMENTED.encode()


@pytest.mark.parametrize("text", ["", "db: *x", "db: &x y", "db: x\n---\n", "db: x\ndb: y", "db: [", "\xff"])
def test_unclear_file(file: Path, text: str):
    """A file that cannot be understood is not edited."""
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        write_value(str(file), "queue", "w")
    assert file.read_bytes() == text.encode("latin-1")


def test_mode_and_link_stay(file: Path):
    """The file keeps its mode, a symlink stays one, and nothing stays beside them."""
    file.chmod(0o664)
    Path("link.yaml").symlink_to(file)
    write_value("link.yaml", "db", "new.db")
    assert load_policy("link.yaml").db == "new.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o664
    assert sorted(os.listdir()) == ["link.yaml", "ops-checks.yaml"]
    assert Path("link.yaml").is_symlink()


def test_change_by_somebody_else_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that an editor saves between reading and writing is not overwritten."""
    read_text = edit.read_text

    def read_then_saved(path: str):
        seen = read_text(path)
        file.write_text("db: somebody's\n")
        return seen

    monkeypatch.setattr(edit, "read_text", read_then_saved)
    with pytest.raises(WriteError, match="another program changed the file meanwhile"):
        write_value(str(file), "queue", "w")
    assert file.read_text() == "db: somebody's\n"


# Laws

LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8)


@LAW
@given(value=_TEXT | st.sampled_from(["1", "true", "~", "- a", "a: b", "[a]", "#", "''", '"', "a #b", "\u2028", "---"]))
def test_any_text(file: Path, value: str):
    """Any text that can be a reason can be set as one; it reads back, and nothing around it changes."""
    file.write_bytes(COMMENTED.encode())
    head, tail = COMMENTED.split('"이관 \\u2192 later"')
    try:
        new = set_value(str(file), "waivers.0.reason", value)
    except UsageError:
        assert not value.strip() or not value.isprintable() or read(value).value == ""
        return
    assert new.startswith(head)
    assert new.endswith(tail)
    meant = read(new).value["waivers"][0]["reason"]
    assert meant in (value, read(value).value)
    assert YAML(typ="safe", pure=True).load(new)["waivers"][0]["reason"] == meant


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_PRINTABLE, inner, max_size=3),
    max_leaves=10,
)


@LAW
@given(tree=st.dictionaries(_PRINTABLE, _TREES, min_size=1), indent=st.sampled_from([None, 1, 3]))
def test_json_is_yaml(tree: dict[str, object], indent: int | None):
    """What JSON says, the reader understands, with every value's place in the text."""
    text = json.dumps(tree, ensure_ascii=False, indent=indent)
    document = read(text)
    assert document.problems == []
    assert json.dumps(document.value) == json.dumps(tree)
    for path, spot in document.spots.items():
        value: object = tree
        for part in path:
            value = value[part]  # type: ignore[index]
        assert json.loads(text[spot.start : spot.end]) == value
