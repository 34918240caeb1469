"""The queue's checks are chosen, ordered and left out like any other test."""

from __future__ import annotations

import pytest
from queue_projects import ALL_IDS, DRIFT_IDS, ITEMS, KPI_IDS, QUEUE, Project, outcomes

pytest_plugins = ("pytester",)

OWN = "tests/test_own.py::test_own"


@pytest.mark.parametrize(
    ("args", "chosen"),
    [
        (("tests/",), [OWN, *ALL_IDS]),
        ((OWN,), [OWN, *ALL_IDS]),
        ((DRIFT_IDS[0],), DRIFT_IDS[:1]),
        ((KPI_IDS[1], DRIFT_IDS[2]), [KPI_IDS[1], DRIFT_IDS[2]]),
        ((QUEUE,), DRIFT_IDS),
        ((OWN, QUEUE, DRIFT_IDS[0]), [OWN, *DRIFT_IDS]),
        (("--queue-check-only",), ALL_IDS),
        (("--queue-check-only", "tests/", DRIFT_IDS[0]), DRIFT_IDS[:1]),
        (("-k", "missing"), DRIFT_IDS[:2]),
        (("-k", "queue.md"), DRIFT_IDS),
        (("-m", "queue_check"), ALL_IDS),
        (("-m", "queue_drift"), DRIFT_IDS),
        (("-m", "queue_kpi"), KPI_IDS),
        (("-m", "not queue_check"), [OWN]),
        (("--deselect", DRIFT_IDS[0], "--deselect", KPI_IDS[0]), [OWN, *DRIFT_IDS[1:], *KPI_IDS[1:]]),
    ],
)
def test_selection(project: Project, args: tuple[str, ...], chosen: list[str]) -> None:
    """Checks run whatever paths are named; node ids, -k, -m and --deselect select just what they name."""
    result = project.pytest("-rA", *args)

    assert result.ret == 0
    assert list(outcomes(result)) == chosen


def test_check_only_does_not_import_the_tests(project: Project) -> None:
    """With --queue-check-only (or its ini name) a test module that is broken does not matter."""
    project.write("tests/test_own.py", "import no_such_module\n")
    assert project.pytest().ret == 2
    project.options = ()
    project.write("pytest.ini", "[pytest]\nqueue_check_only = true\n")
    assert project.pytest().ret == 0


def test_last_failed_reruns_and_still_fails(project: Project) -> None:
    """--lf runs the failed checks only, fails as long as they do, and passes once they are mended."""
    project.drift()
    project.write("tests/test_own.py", "def test_own():\n    assert 0\n")
    assert project.pytest().ret == 1

    for args, chosen in ((("--lf",), [OWN, DRIFT_IDS[2]]), (("--lf", "-k", "field"), [DRIFT_IDS[2]])):
        again = project.pytest("-rA", *args)
        assert again.ret == 1
        assert outcomes(again) == dict.fromkeys(chosen, "FAILED")
    first = project.pytest("--ff", "-v")
    assert first.ret == 1
    assert [line.split()[:2] for line in first.outlines if "%]" in line][:3] == [
        [OWN, "FAILED"],
        [DRIFT_IDS[2], "FAILED"],
        [DRIFT_IDS[0], "PASSED"],
    ]
    project.write("tests/test_own.py", "def test_own():\n    pass\n")
    assert outcomes(project.pytest("--lf", "-rA")) == {OWN: "PASSED", DRIFT_IDS[2]: "FAILED"}
    project.queues(ITEMS, ITEMS)
    assert outcomes(project.pytest("--lf", "-rA")) == {DRIFT_IDS[2]: "PASSED"}


def test_last_failed_without_a_failed_check(project: Project) -> None:
    """If only a test failed, --lf leaves the checks out, and that is the user's choice: no error of ours."""
    project.write("tests/test_own.py", "def test_own():\n    import os; assert 'MENDED' in os.environ\n")
    assert project.pytest().ret == 1

    result = project.pytest("--lf", "-rA")

    assert outcomes(result) == {OWN: "FAILED"}
    result.stdout.no_fnmatch_line("error: *")


def test_stop_at_the_first_failure(project: Project) -> None:
    """-x stops at a failed check as at any test."""
    project.queues([], [])
    (project.path / QUEUE).unlink()

    result = project.pytest("-x")

    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize(
    "args",
    [
        ("-pno:cacheprovider",),
        ("-pno:terminal",),
        ("-pno:warnings", "-pno:junitxml", "-pno:logging"),
        ("--strict-markers", "--strict-config", "-Werror"),
        ("--import-mode=importlib", "--tb=short", "-vv", "--durations=3"),
        ("--setup-show", "-l", "--tb=native", "--no-header", "-q"),
    ],
)
def test_other_options_change_nothing(project: Project, args: tuple[str, ...]) -> None:
    """Whatever else is asked of pytest, a green queue passes and a drifted one fails, without a traceback."""
    assert project.pytest(*args).ret == 0
    project.drift()

    result = project.pytest(*args)

    assert result.ret == 1
    assert "pytest_session" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("option", ["--setup-plan", "--fixtures", "--markers", "--help", "--cache-show"])
def test_sessions_that_run_nothing(project: Project, option: str) -> None:
    """What only lists something exits as ever: that no check ran is no failure then."""
    result = project.pytest(option)

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*no check ran*")


def test_beside_other_plugins(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins that people combine change no outcome: shuffled, under a timeout, in an HTML report, on two workers."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    project.plugins = ()
    project.drift()
    expected = {OWN: "PASSED"} | dict.fromkeys(ALL_IDS, "PASSED") | {DRIFT_IDS[2]: "FAILED"}

    for more in ((), ("-n2",)):
        result = project.pytest("-rA", "--timeout=60", "--html=report.html", "--self-contained-html", *more)

        plugins = next(line for line in result.outlines if line.startswith("plugins: "))
        assert all(name in plugins for name in ("randomly", "timeout", "html", "xdist"))
        assert result.ret == 1
        assert outcomes(result) == expected
        page = (project.path / "report.html").read_text(encoding="utf-8")
        assert "ORCH-2 status: md=PENDING db=DONE" in page


INI = "[pytest]\nqueue_check = true\n"


@pytest.mark.parametrize(
    ("outer", "text", "inner", "args", "noted"),
    [
        ("pytest.ini", INI, "[pytest]\n", (), True),
        ("pyproject.toml", "[tool.pytest.ini_options]\nqueue_check = true\n", "[pytest]\n", ("-q",), True),
        ("pyproject.toml", "[tool.pytest]\nqueue_check_only = true\n", "[pytest]\n", ("-qq",), True),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["--queue-check"]\n', "[pytest]\n", (), True),
        ("setup.cfg", "[tool:pytest]\naddopts = -q --queue-check\n", "[pytest]\n", (), True),
        ("tox.ini", "[pytest]\nqueue_check = yes\n", "[pytest]\n", (), True),
        ("pytest.ini", INI, "[pytest]\nqueue_check = false\n", (), False),
        ("pytest.ini", INI, "[pytest]\n", ("-o", "queue_check=false"), False),
        ("pytest.ini", "[pytest]\nqueue_check = false\n", "[pytest]\n", (), False),
        ("pyproject.toml", '[tool.x]\nqueue_check = true\nrun = "pytest --queue-check"\n', "[pytest]\n", (), False),
        ("pyproject.toml", "queue_check = [\n", "[pytest]\n", (), False),
        ("pytest.ini", "queue_check = true\n", "[pytest]\n", (), False),
        ("pytest.ini", "\0", "[pytest]\n", (), False),
    ],
)
def test_a_part_of_a_monorepo(
    project: Project, outer: str, text: str, inner: str, args: tuple[str, ...], *, noted: bool
) -> None:
    """Where a part's own configuration moves the root, the outer one that turns the checks on is not just gone."""
    project.options = ()
    (project.path / "pytest.ini").unlink()
    project.write(outer, text)
    project.write("part/pytest.ini", inner)
    project.write("part/test_part.py", "def test_part():\n    pass\n")

    result = project.pytest("part", *args)

    assert result.ret == 0
    assert ("turns the queue checks on, and does not hold below" in result.stdout.str()) == noted


def test_no_further_than_the_repository(project: Project) -> None:
    """What stands outside of the repository is none of its configuration."""
    project.options = ()
    project.write("pytest.ini", INI)
    (project.path / "part/.git").mkdir(parents=True)
    project.write("part/pytest.ini", "[pytest]\n")
    project.write("part/test_part.py", "def test_part():\n    pass\n")
    project.pytest("part").stdout.no_fnmatch_line("note: *")


@pytest.mark.parametrize(
    ("args", "unread"),
    [
        (("--queue-report=r.json", "--max-failure-rate=0"), "--queue-report, --max-failure-rate"),
        (("-q", "--queue-history=h.jsonl"), "--queue-history"),
        (("--queue-html=r.html", "--queue-known=r.json"), "--queue-html, --queue-known"),
        (
            ("--max-stale-in-progress=1", "--max-latency-p95-ms=9"),
            "--max-latency-p95-ms, --max-stale-in-progress",
        ),
        (("--queue-path=Q.md", "--stale-minutes=5"), None),
        (("--queue-check", "--queue-report=r.json"), None),
        (("--queue-check-only", "--queue-html=r.html"), None),
    ],
)
def test_an_option_that_nothing_reads_is_told(project: Project, args: tuple[str, ...], unread: str | None) -> None:
    """Without the checks their options change nothing, which a green run must not hide."""
    project.options = ()
    result = project.pytest(*args)
    notes = [line for line in result.outlines if line.startswith("note: no check reads")]
    assert notes == ([f"note: no check reads {unread}: --queue-check is off"] if unread else [])
    assert result.ret == 0
    assert (project.path / "r.json").exists() == ("--queue-check" in args)
