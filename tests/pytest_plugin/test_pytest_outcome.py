"""No hook of another plugin makes a pass of a session whose checks were left out or failed."""

from __future__ import annotations

import pytest
from queue_projects import DRIFT_IDS, KPI_IDS, Project

pytest_plugins = ("pytester",)

#: Lets checks get lost when they are to run.
LOSING = "def pytest_runtest_protocol(item):\n    return True if {condition} else None\n"
#: Each sets the exit code to 0 at some point of the session's end.
UNDOING = {
    "sessionfinish": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    "trylast": "import pytest\n@pytest.hookimpl(trylast=True)\n"
    "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    "outermost": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_sessionfinish(session):\n    yield\n    session.exitstatus = None\n",
    "no tests": "def pytest_sessionfinish(session):\n    session.exitstatus = 5\n",
    "exit": "import pytest\ndef pytest_sessionfinish():\n    pytest.exit('enough', returncode=0)\n",
    "exit first": "import pytest\n@pytest.hookimpl(tryfirst=True, wrapper=True)\ndef pytest_sessionfinish():\n"
    "    pytest.exit('enough', returncode=0)\n    yield\n",
    "sys.exit": "def pytest_sessionfinish():\n    raise SystemExit(0)\n",
    "sys.exit at last": "def pytest_unconfigure():\n    raise SystemExit\n",
    "outside": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_cmdline_main():\n    yield\n    return 0\n",
    "cleanup": "def pytest_sessionstart(session):\n    session.config.kept = session\n"
    "def pytest_configure(config):\n    config.add_cleanup(lambda: setattr(config.kept, 'exitstatus', 0))\n",
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
def test_checks_that_get_lost(distributed: Project, processes: str, condition: str, error: str) -> None:
    """A hook that swallows checks fails the session, which names them."""
    distributed.write("conftest.py", LOSING.format(condition=condition))

    result = distributed.pytest(processes)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["PASS: 7 pass; 0 findings", LEFT_OUT.format(error)])


def test_a_loop_of_its_own_that_loses_one(project: Project) -> None:
    """It does not matter at which point a check gets lost."""
    project.write(
        "conftest.py",
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session):\n"
        "    for item in session.items:\n        if item.name != 'field-mismatch':\n"
        "            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)\n    return True\n",
    )

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines([LEFT_OUT.format("1 check neither run nor deselected (field-mismatch)")])


@pytest.mark.parametrize("name", UNDOING)
def test_the_exit_code_is_decided_last(project: Project, name: str) -> None:
    """Whatever sets the exit code afterwards, a session with checks that got lost is none that passes."""
    project.write("conftest.py", UNDOING[name] + LOSING.format(condition="'stale' in item.name"))
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


def test_marks_on_every_check(project: Project) -> None:
    """Marks that skip all of them leave the verdict to the report: a session that evaluates nothing is no pass."""
    project.write(
        "conftest.py",
        "import pytest\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
        "        item.add_marker(pytest.mark.skipif(True, reason='benchmarks only'))\n",
    )
    assert project.pytest().ret == 0
    project.drift()

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "skipped by a mark or a hook: 7 checks (missing-in-db, *",
            "error: the report fails and the tests pass (field-mismatch): see the other plugins and marks",
        ]
    )


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_configure():\n    pytest.exit('x', returncode=0)\n",
        "def pytest_sessionstart():\n    pytest.exit('x', returncode=0)\n",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionstart():\n    pytest.exit('x', returncode=0)\n",
        "def pytest_collection():\n    pytest.exit('x', returncode=0)\n",
        "def pytest_collection_finish():\n    pytest.exit('x', returncode=0)\n",
        "@pytest.hookimpl(tryfirst=True, wrapper=True)\ndef pytest_runtestloop():\n"
        "    pytest.exit('x', returncode=0)\n    yield\n",
    ],
)
def test_a_session_that_ends_before_its_checks(project: Project, conftest: str) -> None:
    """To end a session with exit code 0 before any check ran makes no pass of it, and the reason is told."""
    project.write("conftest.py", f"import pytest\n{conftest}")

    result = project.pytest()

    assert result.ret == 1
    said = result.stdout.str() + result.stderr.str()
    assert "error: the queue check is on, and " in said
    assert project.pytest("--collect-only").ret == 0


def test_groups_of_workers(distributed: Project) -> None:
    """A check that a hook puts into a group of xdist's is the same check, whatever becomes of its node id."""
    distributed.write(
        "conftest.py",
        "import pytest\ndef pytest_itemcollected(item):\n    item.add_marker(pytest.mark.xdist_group('one'))\n",
    )
    assert distributed.pytest("-n2", "--dist=loadgroup").ret == 0
