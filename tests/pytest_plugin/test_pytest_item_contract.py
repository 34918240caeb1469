"""What hooks of other plugins and of conftest.py read, call and change on any item: a check survives it.

Rows are from the plugins that are used most and from conftest.py files that people copy.
"""

from __future__ import annotations

import pytest
from queue_projects import ALL_IDS, DRIFT_IDS, Project, outcomes

pytest_plugins = ("pytester",)

#: Reads expressions on a check and prints them.
READING = """
import inspect, os, pytest
def pytest_collection_modifyitems(items):
    item = next(item for item in items if item.name == "field-mismatch")
    for expression in {expressions}:
        print("attribute:", expression, "=", eval(expression, globals() | {{"item": item}}))
"""
#: What is read of a check, and what it is.
READ = [
    ("item.obj.__doc__", "Fields that differ"),
    ("item.function.__doc__", "Fields that differ"),
    ("item.function.__name__", "field-mismatch"),
    ("inspect.getdoc(item.obj)", "Fields that differ"),
    ("list(inspect.signature(item.function).parameters)", "[]"),
    ("inspect.iscoroutinefunction(item.obj)", "False"),
    ("getattr(item.function, 'pytestmark', [])", "[]"),
    ("item.function.__module__ == item.module.__name__", "True"),
    ("os.path.isfile(inspect.getsourcefile(item.function))", "True"),
    ("os.path.isfile(item.module.__file__)", "True"),
    ("item.cls, item.instance", "(None, None)"),
    ("item.originalname", "field-mismatch"),
    ("item.parent.obj.__doc__, item.parent.obj.__class__.__name__", "(None, 'NoneType')"),
    ("'driver' in item.funcargs, item.funcargs.get('driver')", "(False, None)"),
    ("'db' in item.fixturenames", "False"),
    ("item._fixtureinfo.name2fixturedefs, item._fixtureinfo.argnames", "({}, ())"),
    ("item._fixtureinfo.names_closure is item.fixturenames", "True"),
    ("item.fixturenames.insert(0, 'freezer')", "None"),
    ("item._initrequest()", "None"),
    ("hasattr(item, 'callspec'), hasattr(item, '_request')", "(False, False)"),
    ("setattr(item.function, '_duplicated', True)", "None"),
    ("item.location[1:]", "(0, 'field-mismatch')"),
    ("item.get_closest_marker('queue_drift').name, item.get_closest_marker('skip')", "('queue_drift', None)"),
    ("[mark.name for mark in item.iter_markers()]", "['queue_check', 'queue_drift']"),
    ("item.fspath.basename, item.path.name", "('QUEUE.md', 'QUEUE.md')"),
    ("item.getparent(pytest.Module), item.getparent(pytest.Class)", "(None, None)"),
]
MARKING = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        if "queue_check" in item.keywords:
            item.add_marker({mark})
"""


@pytest.fixture
def drifted(project: Project) -> Project:
    """Return a project whose queues differ, with xdist."""
    project.plugins += ("xdist",)
    project.drift()
    return project


def test_what_is_read(project: Project) -> None:
    """Each attribute is there, and is true: a function without class, fixtures or parameters that is the check."""
    project.write("conftest.py", READING.format(expressions=[expression for expression, _ in READ]))

    result = project.pytest("-s")

    assert result.ret == 0
    read = [line.removeprefix("attribute: ") for line in result.outlines if line.startswith("attribute: ")]
    assert read == [f"{expression} = {value}" for expression, value in READ]


@pytest.mark.parametrize(
    ("hook", "statements"),
    [
        ("runtest_call(item)", "item.obj(**{arg: item.funcargs[arg] for arg in item._fixtureinfo.argnames})"),
        ("runtest_setup(item)", "item.runtest = item.function"),
        ("runtest_setup(item)", "run = item.runtest; item.runtest = lambda: (item._initrequest(), run())"),
        ("collection_modifyitems(items)", "items += [*map(copy.copy, items)]; [item._initrequest() for item in items]"),
        ("itemcollected(item)", "item.obj = lambda: None"),
        ("runtest_setup(item)", "item.obj = item._obj = item.funcargs = None"),
        ("itemcollected(item)", "item.fixturenames.insert(0, 'tmp_path')"),
    ],
)
def test_what_is_called_and_changed(drifted: Project, hook: str, statements: str) -> None:
    """Whoever calls a check's function gets the check, and whoever replaces it makes no pass of a failure."""
    drifted.write("conftest.py", f"import copy\ndef pytest_{hook}:\n    {statements}\n")

    result = drifted.pytest("-rA")

    assert result.ret == 1
    assert outcomes(result)[DRIFT_IDS[2]] == "FAILED"
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize(
    "renaming",
    [
        "item._nodeid = ' '.join((item.parent.obj.__class__.__name__, item.obj.__doc__ or item.obj.__name__))",
        "item._nodeid = item.nodeid.encode('utf-8').decode('unicode_escape') + '@x'",
        "item.name = item.name + '[1]'",
    ],
)
def test_a_check_that_is_renamed(drifted: Project, renaming: str) -> None:
    """A hook may show a check by another name: it is the same check, and nobody misses it."""
    drifted.write("conftest.py", f"def pytest_itemcollected(item):\n    {renaming}\n")

    for processes in ("-n0", "-n2"):
        result = drifted.pytest(processes)

        assert result.ret == 1
        result.assert_outcomes(passed=7, failed=1)
        result.stdout.fnmatch_lines(["FAIL: 1 fail, 6 pass; 1 finding"])
        result.stdout.no_fnmatch_line("error: *")


#: Marks, and what becomes of the seven checks, one of which fails.
MARKS = {
    "skip(reason='x')": {"skipped": 7},
    "skipif(True, reason='x')": {"skipped": 7},
    "skipif('sys.platform and config.rootpath', reason='x')": {"skipped": 7},
    "skipif('not os.sep', reason='x')": {"passed": 6, "failed": 1},
    "xfail(reason='x')": {"xpassed": 6, "xfailed": 1},
    "xfail(strict=True)": {"failed": 6, "xfailed": 1},
    "xfail(raises=OSError)": {"xpassed": 6, "failed": 1},
    "xfail(run=False)": {"xfailed": 7},
    "usefixtures('tmp_path', 'there_is_none')": {"passed": 6, "failed": 1},
    "parametrize('number', [1, 2])": {"passed": 6, "failed": 1},
    "filterwarnings('error')": {"passed": 6, "failed": 1},
    "flaky(reruns=2)": {"passed": 6, "failed": 1},
    "timeout(60)": {"passed": 6, "failed": 1},
}


@pytest.mark.parametrize(
    ("mark", "args"),
    [*((mark, ()) for mark in MARKS), ("skip(reason='x')", ("-n2",)), ("xfail(strict=True)", ("-n2",))],
)
def test_marks(drifted: Project, mark: str, args: tuple[str, ...]) -> None:
    """A mark means what it means on a function, and none makes a pass of a drift."""
    drifted.plugins += ("timeout",)
    drifted.write("conftest.py", MARKING.format(mark=f"pytest.mark.{mark}"))

    result = drifted.pytest("--queue-check-only", *args)

    assert result.ret == 1
    result.assert_outcomes(**MARKS[mark])
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize("mark", ["xfail(strict=True)", "xfail(run=False)", "xfail"])
def test_runxfail(drifted: Project, mark: str) -> None:
    """--runxfail takes no notice of the marks."""
    drifted.write("conftest.py", MARKING.format(mark=f"pytest.mark.{mark}"))

    result = drifted.pytest("-rA", "--runxfail")

    assert result.ret == 1
    assert {node: word for node, word in outcomes(result).items() if node in ALL_IDS} == dict.fromkeys(
        ALL_IDS, "PASSED"
    ) | {DRIFT_IDS[2]: "FAILED"}
