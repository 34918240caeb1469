"""A project's own rules in Python, in the gate: what they find, and what becomes of code that means harm or none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from gzip import compress
from typing import TYPE_CHECKING

import pytest
from builders import execute, insert, item, make_database, make_markdown
from conftest import NOW_S
from database_kinds import every_database

from ops_checks.formats import FORMATS
from ops_checks.gate.run import run_gate
from ops_checks.policy.model import Policy
from ops_checks.presentation.format import RenderOptions
from ops_checks.rules.own.model import OwnRule
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

END = {"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 12, "ts_epoch_ms": NOW_S * 1000 - 5}
ITEMS = [item("ORCH-1"), item("ORCH-2", "IN_PROGRESS", started_at_kst="2026-01-01 03:10", task="Rotate keys")]
IMPORTS = "import os, sys\nfrom ops_checks import Finding, Item, RuleContext, RuleEvent, RuleRun\n\n"
#: Names that the tests' modules have: what one test has imported is none of the next one's.
MODULES = ("checks", "helper", "pkg", "space")


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """Forget the modules of the test."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in MODULES]:
        del sys.modules[name]


def log(*changes: dict[str, object]) -> str:
    """Return a run log of ends."""
    return "".join(json.dumps(END | change) + "\n" for change in changes)


def lay(folder: Path, code: str = "", needs: str = "items", entry: str = "", more: str = "") -> None:
    """Lay a project whose policy names one rule `own`: `checks:rule`, or else `entry`."""
    make_markdown(folder / "Q.md", ITEMS)
    if not (folder / "q.db").exists():
        make_database(folder / "q.db", ITEMS)
    (folder / "runs.jsonl").write_text(log({"item_id": "ORCH-2", "trace_id": "t-1"}, {"command": "pick"}))
    (folder / "checks.py").write_text(IMPORTS + textwrap.dedent(code))
    entry = entry or f"python: checks:rule\n    needs: [{needs}]"
    (folder / "ops-checks.yaml").write_text(
        f"queue: Q.md\ndb: q.db\nlog: runs.jsonl\n{more}rules:\n  - id: own\n    {entry}\n"
    )


def listed(told: Told) -> list[tuple[object, ...]]:
    """Return item, message and places of the findings in a JSON report."""
    (rule,) = [each for each in json.loads(told.out)["rules"] if each["id"] == "own"]
    return [
        (each["item"], each["message"], [(place["path"], place["line"], place["key"]) for place in each["places"]])
        for each in rule["findings"]
    ]


@every_database
def test_what_it_finds_is_reported(
    folder: Path, run: Run, database_kind: InFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items, events and runs are read as they stand; each finding is at its item, its event or its line."""
    make_database(folder / "q.db", ITEMS)
    monkeypatch.setenv("ORCH_DB_PATH", database_kind.there("q.db"))
    names = ("item_id", "event_type", "payload_json", "created_at")
    rows = [("ORCH-2", "picked", '{"owner": "w"}', "2026-01-01 03:10"), ("ORCH-1", "added", "[1", "2026-01-01 00:00")]
    insert(folder / "q.db", "queue_events", names, rows)
    lay(
        folder,
        """
        def rule(context: RuleContext):
            for _ in range(2):  # again: the same
                items, events, runs = list(context.items), list(context.events), list(context.runs)
            assert all(isinstance(each, Item) for each in items)
            yield context.finding(items[1], f"{len(items)} items", field="started_at_kst", value=len(items))
            yield context.finding("ORCH-1", f"an id at {context.now_s:.0f}, {context.tz_minutes}")
            for each in events:
                yield context.finding(each, f"{each.event_id} {each.type} {each.payload} {each.created_at}")
            for each in runs:
                told = f"{each.command} {each.exit_code} {each.duration_ms:g} {each.trace} {each.ts_epoch_ms}"
                yield context.finding(each, f"{told} {each.error}", value=each.duration_ms)
            yield context.finding(None, f"{[each.type for each in context.events_of('ORCH-2')]}, none of others")
        """,
        needs="items, events, runs",
    )

    told = run("check", "--only", "own", "-f", "json")

    assert told.code == 1
    ms = END["ts_epoch_ms"]
    at = "q.db"
    assert listed(told) == [
        ("ORCH-2", "2 items", [(at, None, "ORCH-2"), ("Q.md", 8, None)]),
        ("ORCH-1", f"an id at {NOW_S}, 540", [(at, None, "ORCH-1"), ("Q.md", 7, None)]),
        ("ORCH-2", "1 picked {'owner': 'w'} 2026-01-01 03:10", [(at, None, "1"), ("Q.md", 8, None)]),
        ("ORCH-1", "2 added None 2026-01-01 00:00", [(at, None, "2"), ("Q.md", 7, None)]),
        ("ORCH-2", f"done 0 12 t-1 {ms} None", [("runs.jsonl", 1, None)]),
        (None, f"pick 0 12 None {ms} None", [("runs.jsonl", 2, None)]),
        (None, "['picked'], none of others", []),
    ]


def test_they_are_shown_in_every_format(folder: Path) -> None:
    """What a rule finds is in each format like any other finding, with the task of its item."""
    lay(folder, "def rule(context):\n    return [context.finding('ORCH-2', 'at | night', field='started_at_kst')]\n")
    report = run_gate(resolve(), only="own")
    for name, form in FORMATS.items():
        text = form.render(report, RenderOptions())
        assert "own" in text, name
        assert name in {"health", "openmetrics"} or "ORCH-2" in text, name
    (finding,) = report.findings
    assert (finding.task, finding.rule, report.exit_code) == ("Rotate keys", "own", 1)


@pytest.mark.parametrize(
    ("more", "argv", "code"),
    [
        ("", (), 1),
        ("waivers: [{rule: own, item: ORCH-2, reason: r, owner: kim, expires: '2030-01-01'}]\n", (), 0),
        ("waivers: [{rule: own, item: ORCH-1, reason: r, owner: kim, expires: '2030-01-01'}]\n", (), 1),
        ("", ("--exit-zero",), 0),
        ("", ("--only", "kpi"), 0),
        ("", ("--only", "own"), 1),
        ("", ("--only", "queue"), 1),
    ],
)
def test_they_fail_and_are_waived_as_others(
    folder: Path, run: Run, more: str, argv: tuple[str, ...], code: int
) -> None:
    """A finding fails the gate with 1, and is waived by its item; the rule runs where it is asked for."""
    kpi = "kpi: {on_insufficient: pass, thresholds: {stale_in_progress: off}}\n"
    lay(folder, "def rule(context):\n    return [context.finding('ORCH-2', 'x')]\n", more=kpi + more)
    assert run("check", *argv).code == code


def test_a_check_of_the_document_reads_nothing_else(folder: Path, run: Run) -> None:
    """With `--only queue` the items are those of the document, and a finding is at its row."""
    lay(folder, "def rule(context):\n    return [context.finding(each, each.status) for each in context.items]\n")
    os.remove(folder / "q.db")
    os.remove(folder / "runs.jsonl")
    told = run("check", "--only", "queue", "-f", "json")
    assert listed(told) == [("ORCH-1", "PENDING", [("Q.md", 7, None)]), ("ORCH-2", "IN_PROGRESS", [("Q.md", 8, None)])]


#: The body of a rule, and the line of the error that it ends in, behind `error: own: `.
NONSENSE = {
    "None": ("pass", "returned None: expected an iterable of findings, an empty list for none"),
    "text": (
        "return 'abc'",
        "returned a value of the type str: expected an iterable of findings, an empty list for none",
    ),
    "mapping": (
        "return {}",
        "returned a value of the type dict: expected an iterable of findings, an empty list for none",
    ),
    "number": (
        "return 0",
        "returned a value of the type int: expected an iterable of findings, an empty list for none",
    ),
    "one": (
        "return Finding('', 'x')",
        "returned one Finding: expected an iterable of them: return it in a list, or yield it",
    ),
    "texts": ("return ['a']", "its finding 1 is a value of the type str: make findings with context.finding"),
    "None in a list": ("return [None]", "its finding 1 is None: make findings with context.finding"),
    "items": (
        "return context.items",
        "its finding 1 is a value of the type Item: make findings with context.finding",
    ),
    "the second": (
        "yield context.finding(None, 'x'); yield 3",
        "its finding 2 is a value of the type int: make findings with context.finding",
    ),
    "another rule": (
        "return [Finding('missing-in-db', 'x')]",
        "its finding 1: its rule is 'missing-in-db': expected own",
    ),
    "no rule": ("return [Finding(3, 'x')]", "its finding 1: its rule is 3: expected own"),
    "id": (
        "return [Finding('', 'x', 3)]",
        "its finding 1: its item is a value of the type int: expected a text or None",
    ),
    "empty id": (
        "return [Finding('', 'x', ' ')]",
        "its finding 1: its item is empty: expected the id of an item, or None",
    ),
    "NaN": (
        "return [context.finding('ORCH-1', 'x', value=float('nan'))]",
        "its finding 1 (on ORCH-1): its value is nan: expected a finite number or None",
    ),
    "truth": (
        "return [Finding('', 'x', value=True)]",
        "its finding 1: its value is True: expected a finite number or None",
    ),
    "no message": ("return [Finding('', None)]", "its finding 1: its message is None: expected a text"),
    "blank": ("return [Finding('', chr(10))]", "its finding 1: its message is '\\n': expected a text"),
    "suppressed": (
        "return [Finding('', 'x', suppressed='by me')]",
        "its finding 1: it is suppressed: only a waiver in the policy does that",
    ),
    "known": ("return [Finding('', 'x', since=1)]", "its finding 1: it is known: only a known report makes it so"),
    "places": ("return [Finding('', 'x', places=[('a', 1)])]", "its finding 1: its places are no tuple of Place"),
    "about": (
        "return [context.finding(3, 'x')]",
        "raised TypeError (a finding is about an Item, an event, a run or an id, not int) at checks.py:5: "
        "mend the rule, then run it again",
    ),
    "exit": ("sys.exit(0)", "raised SystemExit (0) at checks.py:5: mend the rule, then run it again"),
    "exit while iterated": (
        "yield context.finding(None, 'x'); sys.exit()",
        "raised SystemExit at checks.py:5: mend the rule, then run it again",
    ),
    "half-way": (
        "yield context.finding(None, 'x'); raise ValueError('a\\nb\\x1b[0m')",
        "raised ValueError (a b\\x1b[0m) at checks.py:5: mend the rule, then run it again",
    ),
    "recursion": (
        "return rule(context)",
        "raised RecursionError (maximum recursion depth exceeded) at checks.py:5: mend the rule, then run it again",
    ),
    "memory": ("raise MemoryError", "raised MemoryError at checks.py:5: mend the rule, then run it again"),
    "assert": ("assert False", "raised AssertionError at checks.py:5: mend the rule, then run it again"),
    "pytest.fail": (
        "import pytest; pytest.fail('no')",
        "raised Failed (no) at checks.py:5: mend the rule, then run it again",
    ),
    "library": (
        "import json; json.loads('')",
        "raised JSONDecodeError (Expecting value: line 1 column 1 (char 0)) at checks.py:5: "
        "mend the rule, then run it again",
    ),
    "stop": ("raise StopIteration", "raised StopIteration at checks.py:5: mend the rule, then run it again"),
    "group": (
        "raise BaseExceptionGroup('all', [SystemExit(0)])",
        "raised BaseExceptionGroup (all (1 sub-exception)) at checks.py:5: mend the rule, then run it again",
    ),
    "events": (
        "return [context.finding(each, 'x') for each in context.events]",
        "reads the events, which its needs do not name: add events to its needs in the policy",
    ),
    "events, and hides it": (
        "\n    try:\n        list(context.events_of('ORCH-1'))\n    except BaseException:\n        return []",
        "reads the events, which its needs do not name: add events to its needs in the policy",
    ),
    "runs, and leaves it at that": (
        "\n    try:\n        context.runs\n    finally:\n        return []",
        "reads the runs, which its needs do not name: add runs to its needs in the policy",
    ),
    "OpsError": (
        "import ops_checks; ops_checks.open_queue('none.md').get('x')",
        "raised MissingError (none.md: no such queue: name a Markdown file with --queue, or run `ops-checks init`, "
        "with `--from PATH` if the other side has rows) "
        "at checks.py:5: mend the rule, then run it again",
    ),
}


@pytest.mark.parametrize(("body", "expected"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_an_error(folder: Path, run: Run, body: str, expected: str) -> None:
    """Whatever is no findings, or is raised, is exit code 3 and one line; what was found until then does not count."""
    lay(folder, f"\ndef rule(context): {body}\n")
    told = run("check", "--only", "own", "-f", "json")
    assert (told.code, told.err) == (3, f"error: own: {expected}\n")
    assert listed(told) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("async def rule(context):\n    return []\n", "returned a value of the type coroutine"),
        ("async def rule(context):\n    yield 1\n", "returned a value of the type async_generator"),
        (
            "def rule():\n    return []\n",
            "raised TypeError (rule() takes 0 positional arguments but 1 was given) at checks.py:4",
        ),
        ("class rule:\n    def __init__(self, context): pass\n", "returned a value of the type rule"),
        (
            "class E(Exception):\n    def __str__(self): return 3\ndef rule(context): raise E\n",
            "raised E at checks.py:6: ",
        ),
        ("def rule(context): raise ValueError('x' * 10_000_000)\n", "raised ValueError (" + "x" * 299 + "…) at "),
    ],
)
def test_other_callables(folder: Path, run: Run, code: str, expected: str) -> None:
    """A coroutine, a class, a function of no argument: each is one line."""
    lay(folder, code)
    told = run("check", "--only", "own")
    assert (told.code, told.err.count("\n")) == (3, 1)
    assert told.err.startswith(f"error: own: {expected}")


@pytest.mark.parametrize(
    "code",
    [
        "class Rule:\n    def __call__(self, context): return ()\nrule = Rule()\n",
        "rule = lambda context: iter(())\n",
        "class rule:\n    def __init__(self, context): pass\n    def __iter__(self): return iter([])\n",
        "import functools\n@functools.cache\ndef rule(context): return set()\n",
    ],
)
def test_callables_that_are_rules(folder: Path, run: Run, code: str) -> None:
    """Anything that takes the context and returns an iterable of findings is a rule."""
    lay(folder, code)
    assert run("check", "--only", "own").code == 0


def test_findings_are_bounded(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are listed as of other rules, the others counted; of one that never ends it is said so."""
    monkeypatch.setattr("ops_checks.rules.own.answers.MOST_FINDINGS", 10_000)
    count = "def rule(context):\n    import itertools\n    return (context.finding('ORCH-1', 'x') for _ in {})\n"
    lay(folder, count.format("range(10_000)"))
    (rule,) = json.loads(run("check", "--only", "own", "-f", "json").out)["rules"]
    assert (rule["value"], len(rule["findings"]), rule["more_findings"]) == (10_000, 50, 9_950)
    lay(folder, count.format("itertools.count()"))
    del sys.modules["checks"]
    told = run("check", "--only", "own")
    assert (told.code, told.err) == (3, "error: own: found more than 10,000 things: end it, or let it find fewer\n")


def test_a_message_is_one_line(folder: Path) -> None:
    """Line breaks of every kind are spaces, a very long message is cut, and texts of a type of their own are plain."""
    lay(
        folder,
        """
        class Text(str):
            def __str__(self): return "another"

        def rule(context):
            yield Finding("own", "a\\r\\nb\\u2028c\\x0bd", item=Text("ORCH-1"))
            yield context.finding(None, "x" * 5_000, value=2**60, field="any field")
        """,
    )
    first, second = run_gate(resolve(), only="own").findings
    assert (first.message, type(first.item), first.item) == ("a b c d", str, "ORCH-1")
    assert (len(second.message), second.message[-2:], second.value) == (2_000, "x…", 2.0**60)


#: What a module is, what the policy says of it, exit code and stderr.
LOADING = {
    "no module": (
        "",
        "python: chekcs:rule",
        4,
        "error: ops-checks.yaml:6: rules.own.python: no module chekcs; did you mean checks?\n",
    ),
    "no module at all": ("", "python: zzz.y:rule", 4, "error: ops-checks.yaml:6: rules.own.python: no module zzz\n"),
    "no function": (
        "def rulle(c): ...\n",
        "python: checks:rule",
        4,
        "error: ops-checks.yaml:6: rules.own.python: no rule in checks (FOLDER/checks.py); did you mean rulle?\n",
    ),
    "no callable": (
        "rule = 3\n",
        "python: checks:rule",
        4,
        "error: ops-checks.yaml:6: rules.own.python: rule of checks (FOLDER/checks.py) is no function\n",
    ),
    "raises": (
        "1 / 0\n",
        "python: checks:rule",
        3,
        "ZeroDivisionError (division by zero) while it was imported at checks.py:4",
    ),
    "exits": ("sys.exit(0)\n", "python: checks:rule", 3, "SystemExit (0) while it was imported at checks.py:4"),
    "does not parse": (
        "def (\n",
        "python: checks:rule",
        3,
        "SyntaxError (invalid syntax (checks.py, line 4)) while it was imported at checks.py:4",
    ),
    "imports nothing": (
        "import no_such_module\n",
        "python: checks:rule",
        3,
        "ModuleNotFoundError (No module named 'no_such_module') while it was imported at checks.py:4",
    ),
    "is asked": (
        "def __getattr__(name): raise OSError(name)\n",
        "python: checks:rule",
        3,
        "OSError (rule) while it was imported at checks.py:4",
    ),
    "no entry point": (
        "",
        "title: t",
        4,
        "error: ops-checks.yaml:5: rules.own: neither sql nor python, and no installed entry point of ops_checks.rules "
        "has this name\n",
    ),
}


@pytest.mark.parametrize(("code", "entry", "exit_code", "expected"), LOADING.values(), ids=LOADING)
def test_code_that_is_not_there(folder: Path, run: Run, code: str, entry: str, exit_code: int, expected: str) -> None:
    """A misspelled name is a bad policy (4), with its line; what a module raises is an error of the rule (3)."""
    lay(folder, code, entry=entry)
    told = run("check")
    if exit_code == 3:
        expected = f"error: own: raised {expected}: mend the rule, then run it again\n"
    assert (told.code, told.err.splitlines()[-1] + "\n") == (exit_code, expected.replace("FOLDER", str(folder)))
    assert run("policy", "check").code == 0  # which imports nothing
    assert run("check", "--only", "kpi").code != 4


def test_an_entry_point(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule without code is the installed entry point of its name; one of several packages must be named otherwise."""
    lay(folder, "class Rules:\n    found = lambda context: [context.finding('ORCH-1', 'found')]\n", entry="title: t")
    for number, value in enumerate(("helper:found", "helper:found", "helper:other")):
        info = folder / f"lib/own{number}-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: own{number}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[ops_checks.rules]\nown = {value}\nothers = json:loads\n")
        (folder / "lib/helper.py").write_text("def found(context):\n    return [context.finding('ORCH-1', 'found')]\n")
        monkeypatch.syspath_prepend(str(folder / "lib"))
        told = run("check", "--only", "own", "-f", "json")
        if number < 2:
            assert [finding[:2] for finding in listed(told)] == [("ORCH-1", "found")]
    expected = "several installed packages have it (helper:found, helper:other): name one by python"
    assert (told.code, told.err) == (4, f"error: ops-checks.yaml:5: rules.own: {expected}\n")
    (folder / "ops-checks.yaml").write_text("queue: Q.md\nrules: [{id: other}]\n")
    assert run("check", "--only", "own").err.endswith("has this name; did you mean others?\n")


@pytest.mark.parametrize(
    ("module", "files"),
    [
        (
            "pkg.rules",
            {
                "pkg/__init__.py": "",
                "pkg/rules.py": "from pkg import names\nfrom pkg.names import rule\n",
                "pkg/names.py": "",
            },
        ),
        ("space.below.rules", {"space/below/rules.py": ""}),
        (
            "checks",
            {"checks.py": "def rule(context):\n    import helper\n    return helper.rule(context)\n", "helper.py": ""},
        ),
    ],
)
def test_where_modules_are_found(folder: Path, run: Run, module: str, files: dict[str, str]) -> None:
    """In packages, in folders without __init__.py, and beside each other, also while the rule runs; nothing is left."""
    lay(folder, entry=f"python: {module}:rule")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text or "def rule(context): return [context.finding('ORCH-1', __name__)]\n")
    before = list(sys.path)
    assert [finding[0] for finding in listed(run("check", "--only", "own", "-f", "json"))] == ["ORCH-1"]
    assert sys.path == before
    assert not list(folder.rglob("__pycache__"))


def test_the_folder_of_the_policy_shadows_nothing(folder: Path, run: Run) -> None:
    """A module beside the policy that has the name of an installed one is not taken for it, nor by others."""
    lay(folder, "import json\ndef rule(context): json.dumps(1); return []\n")
    (folder / "json.py").write_text("raise SystemExit\n")
    assert run("check", "--only", "own").code == 0
    lay(folder, entry="python: json:rule")
    told = run("check", "--only", "own")
    assert told.code == 4
    assert told.err == f"error: ops-checks.yaml:6: rules.own.python: no rule in json ({json.__file__})\n"


def test_a_module_of_another_project_is_no_twin(folder: Path, run: Run) -> None:
    """A process that checks two projects does not take the one's code for the other's."""
    lay(folder, "def rule(context): return []\n")
    assert run("check", "--only", "own").code == 0
    other = folder / "other"
    other.mkdir()
    lay(other, "def rule(context): return [context.finding('ORCH-1', 'x')]\n")
    told = run("check", "--only", "own", "--policy", other / "ops-checks.yaml")
    assert told.code == 3
    assert told.err.splitlines()[0] == (
        f"error: own: checks is loaded already, from {folder}/checks.py, and not from {other}/checks.py: "
        "give one of both another name"
    )


@pytest.mark.parametrize("which", [".", "pkg", "pkg/rules.py"])
def test_code_that_others_may_write(folder: Path, run: Run, which: str) -> None:
    """A policy that nobody named runs no code that anybody may have written; `--policy` allows it."""
    lay(folder, entry="python: pkg.rules:rule")
    (folder / "pkg").mkdir()
    (folder / "pkg/rules.py").write_text("def rule(context): return []\n")
    os.chmod(folder / which, 0o777)
    told = run("check", "--only", "own")
    path = os.path.normpath(folder / which)
    expected = f"code of {path} is not run, everybody may write to it: name the policy with --policy if you trust it"
    assert (told.code, told.err) == (4, f"error: ops-checks.yaml:6: rules.own.python: {expected}\n")
    assert "pkg.rules" not in sys.modules
    assert run("check", "--only", "own", "--policy", "ops-checks.yaml").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_code_of_another_user(folder: Path, run: Run) -> None:
    """Nor that of another user."""
    lay(folder, "def rule(context): return []\n")
    os.chown(folder / "checks.py", 12345, 12345)
    told = run("check", "--only", "own")
    assert told.code == 4
    assert "is not run, it belongs to another user (uid 12345): name the policy with --policy" in told.err
    assert run("check", "--only", "own", "--policy", "ops-checks.yaml").code == 0


def test_a_module_is_loaded_once(folder: Path, run: Run) -> None:
    """Several rules of one module load it once."""
    lay(folder, "print('loaded')\ndef rule(context): return []\nsecond = rule\n")
    with open(folder / "ops-checks.yaml", "a") as policy:
        policy.write("  - {id: second, python: 'checks:second'}\n")
    told = run("check", "--only", "own")
    assert (told.code, told.err) == (0, "own: loaded\n")


def test_what_is_off_is_not_loaded(folder: Path, run: Run) -> None:
    """Neither a rule that is off nor one that is not asked for is imported."""
    lay(folder, "raise SystemExit\n", entry="python: checks:rule\n    severity: off")
    assert run("check").code != 3
    lay(folder, "raise SystemExit\n")
    assert run("check", "--only", "kpi").code != 3
    assert "checks" not in sys.modules


PRINTS = """
import os, subprocess, sys, warnings
print("imported")
os.write(1, b"raw\\n")
def rule(context):
    print("\\x1b[31mred ::error::no", "##[error]", end="\\r\\n")
    print("two\\nlines")
    sys.stdout.buffer.write(b"bytes \\xff\\n")
    sys.__stdout__.write("around\\n")
    subprocess.run(["echo", "child"], check=True)
    subprocess.run(["echo", "given"], stdout=sys.stdout, check=True)
    warnings.warn("old")
    print("rest", end="")
    return []
"""


@pytest.mark.parametrize("needs", ["items", "runs"])
def test_stdout_stays_the_reports(folder: Path, needs: str) -> None:
    """Whatever a rule prints, by whatever way, goes to stderr; its own lines with its name, and nothing that acts."""
    lay(folder, needs=needs)
    (folder / "checks.py").write_text(PRINTS)
    command = [sys.executable, "-m", "ops_checks", "check", "--only", "own", "-f", "json"]
    environ = os.environ | {"GITHUB_ACTIONS": "true", "PYTHONUNBUFFERED": ""}
    more = ["--max-failure-rate", "1"]
    (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0}\n')  # of the file's time
    done = subprocess.run([*command, *more], env=environ, cwd=folder, capture_output=True, check=False)
    assert json.loads(done.stdout)["verdict"] == "pass"
    lines = done.stderr.decode().splitlines()
    assert [line for line in lines if not line.startswith("note: ")] == [
        *("own: imported", "raw", "own: \\x1b[31mred ::error::no ## [error]", "own: two", "own: lines"),
        *("child", "given", "own: bytes \\xff", f"own: {folder}/checks.py:12: UserWarning: old"),
        *('own:   warnings.warn("old")', "around", "own: rest"),
    ]


def test_what_one_rule_sets_up_writes_for_the_next(folder: Path, run: Run) -> None:
    """A log's handler that was made while one rule ran writes to stderr in the next one too."""
    code = "import logging\nhandler = logging.StreamHandler()\nlogging.getLogger('own').addHandler(handler)\n"
    lay(folder, f"{code}def rule(context): logging.getLogger('own').warning('told'); return []\n")
    with open(folder / "ops-checks.yaml", "a") as policy:
        policy.write("  - {id: second, python: 'checks:rule'}\n")
    assert run("check", "--only", "own").err == "own: told\n" * 2


def test_a_log_that_is_named(folder: Path, run: Run) -> None:
    """The command line's log is read, and no option is said to change nothing."""
    lay(
        folder, "def rule(context): return [context.finding(each, each.trace) for each in context.runs]\n", needs="runs"
    )
    (folder / "other.jsonl").write_text(log({"trace_id": "t-9"}))
    told = run("check", "--only", "own", "--log-path", "other.jsonl", "-f", "json")
    assert (listed(told), told.err) == ([(None, "t-9", [("other.jsonl", 1, None)])], "")
    lay(folder, "def rule(context): return []\n")
    del sys.modules["checks"]
    told = run("check", "--only", "own", "--log-path", "other.jsonl")
    assert (told.code, told.err) == (0, "note: --log-path changes nothing with --only own\n")


def test_streams_that_are_closed(folder: Path) -> None:
    """Without stdout or stderr a rule that prints runs all the same."""
    lay(
        folder,
        "print('a')\ndef rule(context):\n    os.system('echo b')\n    print('c', file=sys.stderr)\n    return []\n",
    )
    command = f"{sys.executable} -m ops_checks check --only own -f json=r.json -f text"
    (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0}\n')
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        subprocess.run(["bash", "-c", f"{command} {closed}"], cwd=folder, capture_output=True, check=False)
        assert json.loads((folder / "r.json").read_text())["verdict"] == "pass", closed
        (folder / "r.json").unlink()


def test_the_process_is_as_it_was(folder: Path, run: Run) -> None:
    """Current folder, environment, paths, streams, limits and what answers Ctrl-C are put back, though a rule fails."""
    import signal

    lay(
        folder,
        """
        def rule(context):
            import signal, tempfile
            os.chdir(tempfile.gettempdir())
            os.environ["OWN"] = "1"
            del os.environ["PATH"]
            sys.path.insert(0, "/own")
            sys.setrecursionlimit(9_999)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            sys.stdout = sys.stderr = None
            yield context.finding(None, f"{len(list(context.items))} {len(list(context.runs))}")
            raise ValueError
        """,
        needs="items, runs",
    )

    def state() -> tuple[object, ...]:
        return (
            *(os.getcwd(), dict(os.environ), list(sys.path), sys.getrecursionlimit(), sys.stdout, sys.stderr),
            *(signal.getsignal(signal.SIGINT), sys.dont_write_bytecode),
        )

    before = state()
    told = run("check", "--only", "own")
    assert state() == before
    assert (told.code, told.err) == (
        3,
        "error: own: raised ValueError at checks.py:15: mend the rule, then run it again\n",
    )


def test_an_interrupt_stays_one(folder: Path, run: Run) -> None:
    """Ctrl-C while a rule works, or is imported, is exit code 130, and no error of the rule."""
    for code in ("def rule(context): raise KeyboardInterrupt\n", "raise KeyboardInterrupt\n"):
        lay(folder, code)
        told = run("check", "--only", "own")
        assert (told.code, told.out, told.err) == (130, "", "error: interrupted\n")
        sys.modules.pop("checks", None)


def test_debugging(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OPS_CHECKS_DEBUG=1 the traceback goes to stderr, line by line."""
    monkeypatch.setenv("OPS_CHECKS_DEBUG", "1")
    lay(folder, "def rule(context): 1 / 0\n")
    told = run("check", "--only", "own")
    assert told.code == 3
    assert told.err.startswith("own: Traceback (most recent call last):\n")
    assert "own: ZeroDivisionError: division by zero\nerror: own: raised ZeroDivisionError" in told.err


#: What stands in the inputs, what a rule needs, and the error. Of most of it a rule reads nothing.
UNREAD = {
    "document": (lambda folder: (folder / "Q.md").write_text("no table\n"), "items", "Q.md: no queue table"),
    "row": (
        lambda folder: (folder / "Q.md").write_text((folder / "Q.md").read_text().replace("IN_PROGRESS", "NO")),
        "items",
        "Q.md:8: status 'NO'",
    ),
    "stray row": (
        lambda folder: (folder / "Q.md").write_text(
            (folder / "Q.md").read_text() + "\n| ORCH-9 | DONE | P1 | t | s | - | - | - | |\n"
        ),
        "items",
        "Q.md:12: looks like a row of the queue",
    ),
    "log": (lambda folder: os.remove(folder / "runs.jsonl"), "runs", "runs.jsonl: no such run log"),
    "old log": (
        lambda folder: (folder / "runs.jsonl").write_text(log({"ts_epoch_ms": NOW_S * 1000 - 10 * 86_400_000})),
        "runs",
        "runs.jsonl: has its newest record from 10d ago",
    ),
    "no log": (
        lambda folder: (folder / "runs.jsonl").write_bytes(compress(b"")[:5]),
        "runs",
        "runs.jsonl: its gzip data",
    ),
    "URL": (
        lambda folder: (folder / "ops-checks.yaml").write_text(
            (folder / "ops-checks.yaml").read_text().replace("runs.jsonl", "s3a://b/runs.jsonl")
        ),
        "runs",
        "s3a://b/runs.jsonl: a URL: a rule of one's own reads run logs of this machine only",
    ),
    "events": (
        lambda folder: execute(folder / "q.db", "DROP TABLE queue_events"),
        "events",
        "q.db: no table queue_events",
    ),
}


@pytest.mark.parametrize(
    "body",
    [
        "return []",
        "return list(context.{needs}) and []",
        "\n    try: list(context.{needs})\n    except Exception: pass\n    return []",
    ],
)
@pytest.mark.parametrize(("spoil", "needs", "expected"), UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_read_is_an_error(
    folder: Path, run: Run, spoil: Callable[[Path], object], needs: str, expected: str, body: str
) -> None:
    """What a rule needs must be readable to its end, whether the rule looks at it or hides what it raises."""
    lay(folder, f"def rule(context): {body.format(needs=needs)}\n", needs=needs)
    if needs == "items":
        (folder / "ops-checks.yaml").write_text((folder / "ops-checks.yaml").read_text().replace("db: q.db\n", ""))
    spoil(folder)
    told = run("check", "--only", "own")
    assert told.code == 3
    assert told.err.splitlines()[-1].removeprefix("error: ").startswith(expected)


def test_lines_that_are_no_record(folder: Path, run: Run) -> None:
    """Malformed lines, repeated ends, a log under two names and a torn last line are passed by, each with a word."""
    lay(
        folder,
        "def rule(context):\n    return [context.finding(each, each.trace or '-') for each in context.runs]\n",
        needs="runs",
    )
    twice = log({"trace_id": "t-1"}, {"trace_id": "t-2"}, {"trace_id": "t-1"})
    (folder / "runs.jsonl").write_text(f"no record\n{twice}" + '{"event":')
    os.link(folder / "runs.jsonl", folder / "runs.jsonl.1")
    (folder / "old.jsonl.gz").write_bytes(compress(log({"trace_id": "t-0"}).encode()))
    (folder / "ops-checks.yaml").write_text(
        (folder / "ops-checks.yaml")
        .read_text()
        .replace("log: runs.jsonl", "log: ['old*', 'runs*']\nkpi: {window: 1s, commands: [pick]}")
    )
    told = run("check", "--only", "own", "-f", "json")
    report = json.loads(told.out)
    assert [(message, places) for _, message, places in listed(told)] == [
        ("t-0", [("old.jsonl.gz", 1, None)]),
        ("t-1", [("runs.jsonl.1", 2, None)]),
        ("t-2", [("runs.jsonl.1", 3, None)]),
    ]
    assert [(each["path"], each["lines"], each["note"]) for each in report["inputs"] if each["kind"] == "log"] == [
        ("old.jsonl.gz", 1, None),
        ("runs.jsonl.1", 4, "its last line was being written, and was left out"),
    ]
    notes = "\n".join(report["notes"])
    assert "a log under several names was read once: runs.jsonl is runs.jsonl.1" in notes
    assert "were counted once: runs.jsonl.1 (1)" in notes
    assert "own: 1 lines of runs.jsonl.1 are no record, and were left out (malformed-lines tells which)" in notes


def test_inputs_are_told_once(folder: Path, run: Run) -> None:
    """What a rule reads is the input that the other checks read; it is listed once, with what counts of it."""
    lay(folder, "def rule(context): return []\n", needs="items, events, runs")
    inputs = json.loads(run("check", "-f", "json").out)["inputs"]
    assert [(each["kind"], each["counted"]) for each in inputs if each["kind"] != "queue"] == [
        ("policy", None),
        ("db", 0),
        ("log", 2),
    ]


def test_a_document_that_changes_is_read_again(folder: Path, run: Run) -> None:
    """A rule that a writer interrupts runs again, on what is there then; what it found before does not count."""
    lay(
        folder,
        """
        import pathlib
        calls = []
        def rule(context):
            calls.append(1)
            rows = iter(context.items)
            first = next(rows)
            if len(calls) == 1:
                path = pathlib.Path("Q.md")
                path.write_text(path.read_text().replace("PENDING", "DONE"))
                yield context.finding(first, "of what is gone")
            list(rows)
            yield context.finding(first, f"{first.status} {len(calls)}")
        """,
    )
    os.remove(folder / "q.db")
    told = run("check", "--only", "queue", "-f", "json")
    assert [finding[:2] for finding in listed(told)] == [("ORCH-1", "DONE 2")]


@pytest.mark.parametrize(("needs", "lacking"), [("runs", "runs"), ("items, events", "events"), ("items", "")])
def test_a_snapshot_in_place_of_the_database(folder: Path, run: Run, needs: str, lacking: str) -> None:
    """A rule on items reads the snapshot's; events and runs are not in it, which is an error, and not nothing."""
    lay(folder, "def rule(context): return [context.finding('ORCH-1', 'x')]\n", needs=needs)
    assert run("snapshot", "-o", "state.json").code == 0
    os.remove(folder / "q.db")
    (folder / "ops-checks.yaml").write_text((folder / "ops-checks.yaml").read_text().replace("db: q.db\n", ""))
    told = run("check", "--only", "own", "--snapshot", "state.json")
    assert told.code == (3 if lacking else 1)
    assert (f"error: own: needs {lacking}, which a snapshot has not: run this where" in told.err) is bool(lacking)


def test_a_policy_in_code(folder: Path) -> None:
    """A program's own policy names modules that it can import."""
    lay(folder)
    policy = Policy(queue="Q.md", db="q.db", own=(OwnRule(id="own", python="json:loads"),))
    report = run_gate(resolve({}, policy), only="own")
    assert report.exit_code == 3
    assert "own: raised TypeError" in report.errors[0]
