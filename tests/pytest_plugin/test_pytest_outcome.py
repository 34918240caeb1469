"""No hook of another plugin makes a pass of a session whose checks were left out or failed."""

from __future__ import annotations

import pytest
from queue_projects import ALL_IDS, DRIFT_IDS, KPI_IDS, Project, outcomes

pytest_plugins = ("pytester",)

#: Drops items from the collected ones, without telling.
DROPPING = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if not ({condition})]
"""
#: Each sets the exit code to 0 at some point of the session's end.
UNDOING = {
    "sessionfinish": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    "trylast": "import pytest\n@pytest.hookimpl(trylast=True)\n"
    "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    "outermost": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_sessionfinish(session):\n    yield\n    session.exitstatus = None\n",
    "no tests": "def pytest_sessionfinish(session):\n    session.exitstatus = 5\n",
    "exit": "import pytest\ndef pytest_sessionfinish():\n    pytest.exit('enough', returncode=0)\n",
    "unconfigure": "def pytest_sessionstart(session):\n    session.config.kept = session\n"
    "def pytest_unconfigure(config):\n    config.kept.exitstatus = 0\n",
}
LEFT_OUT = "error: {}: see the other plugins, and the hooks in conftest.py"


@pytest.fixture
def distributed(project: Project) -> Project:
    """Return a green project with xdist."""
    project.plugins += ("xdist",)
    return project


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ("'stale' in item.name", "1 check neither run nor deselected (stale-in-progress)"),
        ("'missing' in item.name", "2 checks neither run nor deselected (missing-in-db, missing-in-md)"),
    ],
)
def test_checks_that_are_dropped(distributed: Project, processes: str, condition: str, error: str) -> None:
    """A hook that drops checks without telling fails the session, which names them."""
    distributed.write("conftest.py", DROPPING.format(condition=condition))

    result = distributed.pytest(processes)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["PASS: 7 pass; 0 findings", LEFT_OUT.format(error)])


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_runtest_protocol(item):\n    return True if item.name == 'field-mismatch' else None\n",
        "def pytest_itemcollected(item):\n    pass\n" + DROPPING.format(condition="'field' in item.name"),
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session):\n"
        "    for item in session.items:\n        if item.name != 'field-mismatch':\n"
        "            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)\n    return True\n",
    ],
)
def test_other_ways_to_drop_one(project: Project, conftest: str) -> None:
    """It does not matter at which point a check gets lost."""
    project.write("conftest.py", conftest)

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines([LEFT_OUT.format("1 check neither run nor deselected (field-mismatch)")])


@pytest.mark.parametrize("name", UNDOING)
def test_the_exit_code_is_decided_last(project: Project, name: str) -> None:
    """Whatever sets the exit code afterwards, a session with checks that got lost is none that passes."""
    project.write("conftest.py", UNDOING[name] + DROPPING.format(condition="'stale' in item.name"))
    assert project.pytest().ret == 1


@pytest.mark.parametrize("name", UNDOING)
def test_a_failed_check_fails_the_session(project: Project, name: str) -> None:
    """The same for a check that failed."""
    project.drift()
    project.write("conftest.py", UNDOING[name])
    assert project.pytest().ret == 1


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize(
    "conftest",
    [
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items:\n        item.add_marker(pytest.mark.xfail(strict=False))\n",
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport():\n"
        "    report = yield\n    report.outcome, report.longrepr = 'passed', None\n    return report\n",
    ],
)
def test_a_failing_report_is_no_pass(distributed: Project, processes: str, conftest: str) -> None:
    """A mark or a hook that makes a pass of a failed check is told, and the session fails with the report."""
    distributed.drift()
    distributed.write("conftest.py", conftest)

    result = distributed.pytest(processes)

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL: 1 fail, 6 pass; 1 finding",
            "error: the report fails and the tests pass (field-mismatch): see the other plugins and marks",
        ]
    )


def test_an_input_that_no_check_is_about(project: Project) -> None:
    """A queue that is missing fails the session although every rule about it is off: the report could not be made."""
    project.write(
        "ops-checks.yaml",
        "queue: none.md\nconsistency: {severity: {missing-in-db: off, missing-in-md: off, field-mismatch: off}}\n",
    )

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "error: none.md: no such queue: *",
            "error: the report fails and the tests pass (exit code 3): see its errors",
        ]
    )


@pytest.mark.parametrize(
    "args",
    [
        ("-k", "missing"),
        ("-n2", "-k", "missing"),
        ("-k", "test_own"),
        ("-m", "queue_kpi"),
        ("-n2", "--deselect", DRIFT_IDS[2]),
        (DRIFT_IDS[0], KPI_IDS[0]),
        ("--queue-check-only", "-k", "late"),
    ],
)
def test_what_the_user_leaves_out(distributed: Project, args: tuple[str, ...]) -> None:
    """What is not chosen, or deselected by the user, is missed by nobody, and its failure is not this session's."""
    distributed.drift()

    result = distributed.pytest(*args)

    assert result.ret == 0
    result.stdout.no_fnmatch_line("error: *")


@pytest.mark.parametrize(
    ("args", "code"),
    [(("-x",), 1), (("--maxfail=1",), 1), (("-n2", "-x"), 2), (("--sw",), 2), (("-n0", "--lf"), 1)],
)
def test_a_session_that_is_stopped(distributed: Project, args: tuple[str, ...], code: int) -> None:
    """The checks after the first failure are missed by nobody: pytest says that it stopped."""
    distributed.write("tests/test_own.py", "def test_own():\n    assert 0\n")
    for _ in range(2):
        result = distributed.pytest(*args)
        assert result.ret == code
        result.stdout.no_fnmatch_line("error: *")


def test_an_interrupted_session(project: Project) -> None:
    """Ctrl-C is no failure of a check; but an exit code of 0 would say that the checks had passed."""
    project.write("tests/test_own.py", "def test_own():\n    raise KeyboardInterrupt\n")
    result = project.pytest()
    assert result.ret == 2
    result.stdout.no_fnmatch_line("error: *")
    project.write("conftest.py", UNDOING["sessionfinish"])
    assert project.pytest().ret == 1
    project.write("conftest.py", "import pytest\ndef pytest_runtest_call():\n    pytest.exit('x', returncode=0)\n")
    assert project.pytest().ret == 1


def test_skip_marks(project: Project) -> None:
    """A hook may skip checks: they are listed as skipped, at their input."""
    project.write(
        "conftest.py",
        "import pytest\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
        "        if 'queue_kpi' in item.keywords:\n            item.add_marker(pytest.mark.skip(reason='elsewhere'))\n",
    )

    result = project.pytest("-rs")

    assert result.ret == 0
    result.assert_outcomes(passed=4, skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED [[]4] automation/orchestrator/logs/orch_runs.jsonl: elsewhere"])
    result.stdout.no_fnmatch_line("error: *")


@pytest.mark.parametrize("kept", ["field-mismatch", "test_own"])
def test_a_part_of_the_tests(project: Project, kept: str) -> None:
    """Who asks for a shard of the tests gets it, by a plugin that drops the others without telling."""
    project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--num-shards', type=int, default=1)\n"
        + DROPPING.format(condition=f"item.name != {kept!r}"),
    )
    assert project.pytest("--num-shards=8").ret == 0
    assert project.pytest("--num-shards=1").ret == 1


def test_a_worker_deselects_for_the_session(distributed: Project) -> None:
    """A hook on a worker that tells what it deselects leaves it out of the whole session."""
    distributed.write(
        "conftest.py",
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=[item for item in items if 'queue_kpi' in item.keywords])\n"
        "    items[:] = [item for item in items if 'queue_kpi' not in item.keywords]\n",
    )

    result = distributed.pytest("-n2", "-rA", "--dist=loadgroup")

    assert result.ret == 0
    assert set(outcomes(result)) == {"tests/test_own.py::test_own", *ALL_IDS} - set(KPI_IDS)


def test_groups_of_workers(distributed: Project) -> None:
    """A check that a hook puts into a group of xdist's is the same check, whatever becomes of its node id."""
    distributed.write(
        "conftest.py",
        "import pytest\ndef pytest_itemcollected(item):\n    item.add_marker(pytest.mark.xdist_group('one'))\n",
    )
    assert distributed.pytest("-n2", "--dist=loadgroup").ret == 0
