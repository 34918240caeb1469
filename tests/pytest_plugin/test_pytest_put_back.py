"""What a person left out stays out; what another plugin or hook dropped is put back, whatever it is made of."""

from __future__ import annotations

import pytest
from queue_projects import ALL_IDS, DRIFT_IDS, KPI_IDS, Project, outcomes

pytest_plugins = ("pytester",)

OWN = "tests/test_own.py::test_own"
#: Plugins that drop items, each in its own way, as those for shards, groups and selection by changed code do.
ONE_IN = "    items[:] = [item for n, item in enumerate(items) if n % 4 == 1]\n"
NOT_PYTHON = "    items[:] = [item for item in items if item.path.suffix == '.py']\n"
ANNOUNCED = (
    "    gone = [item for item in items if item.path.suffix != '.py']\n"
    "    items[:] = [item for item in items if item not in gone]\n    config.hook.pytest_deselected(items=gone)\n"
)
DROPPING = {
    "a shard": f"def pytest_collection_modifyitems(items):\n{ONE_IN}",
    "silently": f"def pytest_collection_modifyitems(items):\n{NOT_PYTHON}",
    "first": f"@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems(items):\n{NOT_PYTHON}",
    "last": f"@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n{NOT_PYTHON}",
    "announced": f"@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(config, items):\n{ANNOUNCED}",
    "announced first": f"def pytest_collection_modifyitems(config, items):\n{ANNOUNCED}",
    "all of them": "def pytest_collection_modifyitems(items):\n    items.clear()\n",
    "in a wrapper": "@pytest.hookimpl(wrapper=True)\n"
    f"def pytest_collection_modifyitems(items):\n    yield\n{NOT_PYTHON}",
    "outermost": "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    f"def pytest_collection_modifyitems(items):\n    yield\n{NOT_PYTHON}",
    "announced outermost": "@pytest.hookimpl(hookwrapper=True, tryfirst=True)\n"
    f"def pytest_collection_modifyitems(config, items):\n    yield\n{ANNOUNCED}",
    "stand-ins": "def pytest_collection_modifyitems(config, items):\n    class Fake:\n        name = 'x'\n"
    f"    config.hook.pytest_deselected(items=[Fake()] * 7)\n{NOT_PYTHON}",
}
#: The same, where only a session without workers can put anything back.
LATE = {
    "collection_finish": f"def pytest_collection_finish(session):\n    items = session.items\n{NOT_PYTHON}",
    "around the loop": "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtestloop(session):\n"
    f"    items = session.items\n{NOT_PYTHON}    return (yield)\n",
    "at the loop, all": "@pytest.hookimpl(wrapper=True)\ndef pytest_collection(session):\n"
    "    yield\n    session.items.clear()\n    session.testscollected = 0\n",
}
PUT_BACK = "put back, though another plugin or hook had dropped them: {} check*"


@pytest.fixture
def distributed(project: Project) -> Project:
    """Return a green project with xdist."""
    project.plugins += ("xdist",)
    return project


def dropping(project: Project, hook: str) -> None:
    """Let the project's conftest drop items."""
    project.write("conftest.py", f"import pytest\n{hook}")


@pytest.mark.parametrize("name", DROPPING | LATE)
def test_dropped_checks_run(project: Project, name: str) -> None:
    """Whatever a plugin drops, and when, every check runs: a green queue passes, one with drift fails."""
    dropping(project, (DROPPING | LATE)[name])

    green = project.pytest("-rA")

    assert green.ret == 0
    assert set(outcomes(green)) - {OWN} == set(ALL_IDS)
    green.stdout.fnmatch_lines([PUT_BACK.format("*")])
    project.drift()
    assert outcomes(project.pytest("-rA"))[DRIFT_IDS[2]] == "FAILED"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a shard", "load"),
        ("announced", "loadfile"),
        ("outermost", "loadscope"),
        ("silently", "loadgroup"),
        ("first", "worksteal"),
        ("a shard", "each"),
    ],
)
def test_dropped_checks_run_on_workers(distributed: Project, name: str, mode: str) -> None:
    """Workers collect the same items in the same order, in every way to distribute them."""
    dropping(distributed, DROPPING[name])
    args = ("--dist=each", "--tx=2*popen") if mode == "each" else ("-n2", f"--dist={mode}")

    green = distributed.pytest("-rA", *args)

    assert green.ret == 0
    assert set(outcomes(green)) - {OWN} == set(ALL_IDS)
    green.stdout.fnmatch_lines([PUT_BACK.format("*")])
    distributed.drift()
    assert distributed.pytest(*args).ret == 1


@pytest.mark.parametrize("name", LATE)
def test_what_a_worker_cannot_put_back(distributed: Project, name: str) -> None:
    """What is dropped after a worker told what it has is at least not missed in silence."""
    dropping(distributed, LATE[name])
    distributed.drift()
    assert distributed.pytest("-n1").ret != 0


def test_every_shard_has_every_check(project: Project) -> None:
    """No shard is red for having got none, and none is green beside drift."""
    project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--num-shards', type=int)\n"
        "    parser.addoption('--shard-id', type=int)\n"
        "def pytest_collection_modifyitems(config, items):\n"
        "    count, this = config.getoption('num_shards'), config.getoption('shard_id')\n"
        "    items[:] = [item for n, item in enumerate(items) if n % count == this]\n",
    )
    shards = [("--num-shards=8", f"--shard-id={shard}") for shard in range(8)]
    for shard in shards:
        result = project.pytest(*shard)
        assert result.ret == 0
        assert result.parseoutcomes()["passed"] == 7 + (shard == shards[0])
    project.drift()
    assert {project.pytest(*shard).ret for shard in shards[:3]} == {1}


@pytest.mark.parametrize(
    ("name", "args", "kept"),
    [
        ("silently", ("-k", "missing"), DRIFT_IDS[:2]),
        ("last", ("-k", "missing"), DRIFT_IDS[:2]),
        ("announced", ("-k", "missing"), DRIFT_IDS[:2]),
        ("announced first", ("-m", "queue_kpi"), KPI_IDS),
        ("a shard", ("-m", "queue_kpi"), KPI_IDS),
        ("outermost", ("--deselect", DRIFT_IDS[2]), [*DRIFT_IDS[:2], *KPI_IDS]),
        ("first", ("--deselect", DRIFT_IDS[2]), [*DRIFT_IDS[:2], *KPI_IDS]),
        ("stand-ins", tuple(DRIFT_IDS[:2]), DRIFT_IDS[:2]),
        ("in a wrapper", ("-m", "not queue_check"), []),
        ("all of them", ("-m", "not queue_check"), []),
    ],
)
def test_what_a_person_names(project: Project, name: str, args: tuple[str, ...], kept: list[str]) -> None:
    """A person's own selection holds beside any plugin that drops items, and a line says what it left out."""
    dropping(project, DROPPING[name])
    project.drift()

    result = project.pytest("-rA", *args)

    assert set(outcomes(result)) - {OWN} == set(kept)
    assert result.ret in {0, 5}
    count = len(ALL_IDS) - len(kept)
    result.stdout.fnmatch_lines([f"left out by pytest's arguments or options: {count} check*(*field-mismatch*)"])
    result.stdout.no_fnmatch_line("error: *")


def test_the_ini_file_names_it_too(project: Project) -> None:
    """What `addopts` deselects is left out like what the command line does."""
    project.write("pytest.ini", "[pytest]\naddopts = -m 'not queue_drift'\n")
    dropping(project, DROPPING["silently"])
    project.drift()

    result = project.pytest("-rA")

    assert result.ret == 0
    assert set(outcomes(result)) == {OWN, *KPI_IDS}
    result.stdout.fnmatch_lines(
        [
            "left out by pytest's arguments or options: 3 checks (missing-in-db, missing-in-md, field-mismatch)",
            PUT_BACK.format(4),
        ]
    )


@pytest.mark.parametrize(("name", "processes"), [("silently", "-n0"), ("announced", "-n2"), ("first", "-n0")])
def test_last_failed_decides_on_all(distributed: Project, name: str, processes: str) -> None:
    """`--lf` runs the check that failed, and it alone, though another plugin drops it before."""
    dropping(distributed, DROPPING[name])
    distributed.drift()
    assert distributed.pytest(processes).ret == 1

    again = distributed.pytest("-rA", "--lf", processes)

    assert outcomes(again) == {DRIFT_IDS[2]: "FAILED"}
    again.stdout.fnmatch_lines(["left out by pytest's arguments or options: 6 checks (*"])


@pytest.mark.parametrize("option", ["--lf", "--sw", "--ff", "--nf"])
def test_options_of_the_cache(project: Project, option: str) -> None:
    """What they order runs, what they deselect is a person's choice: neither is an error of ours."""
    project.write("tests/test_own.py", "def test_own():\n    import os; assert 'MENDED' in os.environ\n")
    for code in ({1, 2}, {1, 2}):
        result = project.pytest(option)
        assert result.ret in code
        result.stdout.no_fnmatch_line("error: *")
    project.write("tests/test_own.py", "def test_own():\n    pass\n")
    result = project.pytest(option)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("error: *")


def test_deselect_all_without_failures(project: Project) -> None:
    """`--lfnf=none` leaves out everything where nothing failed: pytest's own exit code for that stays."""
    assert project.pytest("--lf", "--lfnf=none").ret == 5


def test_stepwise_leaves_out_what_passed_before(project: Project) -> None:
    """`--sw` goes on at the failed check, and the checks before it count as left out."""
    project.drift()
    assert project.pytest("--sw").ret == 2

    result = project.pytest("--sw", "-rA")

    assert outcomes(result) == {DRIFT_IDS[2]: "FAILED"}
    result.stdout.fnmatch_lines(["left out by pytest's arguments or options: 2 checks (missing-in-db, missing-in-md)"])


def test_only_listed(project: Project) -> None:
    """`--collect-only` lists what would run: what is put back, too."""
    dropping(project, DROPPING["silently"])

    result = project.pytest("--collect-only", "-q")

    assert [line for line in result.outlines if "::" in line] == [OWN, *ALL_IDS]


def test_a_worker_puts_back_for_the_session(distributed: Project) -> None:
    """What a hook on a worker announces as deselected is no person's choice either, and the session says so."""
    dropping(distributed, DROPPING["announced first"])

    result = distributed.pytest("-n2", "-rA", "--dist=loadgroup")

    assert result.ret == 0
    assert set(outcomes(result)) == {OWN, *ALL_IDS}
    result.stdout.fnmatch_lines([PUT_BACK.format(7)])
