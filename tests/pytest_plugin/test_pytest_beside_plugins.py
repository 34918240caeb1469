"""The queue's checks beside the pytest plugins that people use, installed for real, in processes of their own.

`ci/pytest-plugins` makes the environment that has them all; in another one the rows of what it has are run.
"""

from __future__ import annotations

import subprocess
from html import escape
from pathlib import Path

import pytest
from plugin_table import CHOICES, ROWS, Row, entries
from queue_projects import ALL_IDS, DRIFT_IDS, Project, outcomes

pytest_plugins = ("pytester",)

PINNED = Path(__file__).parents[2] / "ci" / "plugins-requirements.txt"
INSTALLED = [row for row in ROWS if row.installed]


def prepare(project: Project, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the project one that uses a plugin."""
    project.plugins += row.entries
    for name, text in row.files:
        project.write(name, text)
    for name, value in row.environ:
        monkeypatch.setenv(name, value)
    if row.name == "pytest-picked":
        commit(project)


def commit(project: Project) -> None:
    """Put all there is into a repository, so that nothing is changed."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["branch", "-qM", "master"]):
        subprocess.run([*git, *command], cwd=project.path, check=True)


def checks(result: pytest.RunResult) -> dict[str, str]:
    """Return the outcome of each check."""
    return {node: word for node, word in outcomes(result).items() if node in ALL_IDS}


def assert_green(result: pytest.RunResult) -> None:
    """All checks ran and passed."""
    assert result.ret == 0
    assert checks(result) == dict.fromkeys(ALL_IDS, "PASSED")
    result.stdout.fnmatch_lines(["PASS: 7 pass; 0 findings"])
    assert_clean(result)


def assert_red(result: pytest.RunResult) -> None:
    """All checks ran, and the one of the drift failed."""
    assert result.ret == 1
    assert checks(result) == dict.fromkeys(ALL_IDS, "PASSED") | {DRIFT_IDS[2]: "FAILED"}
    result.stdout.fnmatch_lines(["FAIL: 1 fail, 6 pass; 1 finding"])
    assert_clean(result)


def assert_clean(result: pytest.RunResult) -> None:
    """Nothing crashed, and no failure is a traceback. Behind our summary pytest-retry prints its own ones."""
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str().partition("= queue check =")[0]
    result.stdout.no_fnmatch_line("error: *")


@pytest.mark.parametrize("row", INSTALLED, ids=lambda row: f"{row.name} {row.args}".strip())
def test_green_then_red(project: Project, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a plugin, a green project passes; when its queues drift, the next session fails and nothing is lost."""
    prepare(project, row, monkeypatch)
    assert_green(project.pytest("-rA", *row.args.split()))

    project.drift()
    result = project.pytest("-rA", *row.args.split())

    assert_red(result)
    pytest.LineMatcher([*result.outlines, *result.errlines]).fnmatch_lines(row.shows)
    for pattern in row.writes:
        assert any("field-mismatch" in path.read_text(encoding="utf-8") for path in project.path.glob(pattern))


@pytest.mark.parametrize(("choice", "processes"), [(0, "-n0"), (1, "-n2"), (2, "-n0")])
def test_together(project: Project, choice: int, processes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with all plugins in one session that do not exclude each other."""
    others = {name for names in CHOICES for name in names if name != names[min(choice, len(names) - 1)]}
    names = list(dict.fromkeys(name for row in INSTALLED for name in (*row.needs, row.name) if name not in others))
    args = [arg for name, arg in (("pytest-xdist", processes), ("pytest-django", "--ds=stage")) if name in names]
    project.plugins += entries(*names)
    project.write("stage.py", "SECRET_KEY = 'x'\n")
    assert_green(project.pytest("-rA", *args))

    project.drift()
    assert_red(project.pytest("-rA", *args))


@pytest.mark.parametrize("row", [row for row in INSTALLED if row.name == "pytest-benchmark"][:1], ids=["benchmark"])
def test_benchmark_only(project: Project, row: Row) -> None:
    """Who asks for benchmarks only leaves the checks out: they are skipped, and a drift is not hidden by that."""
    project.plugins += row.entries
    green = project.pytest("--benchmark-only")
    project.drift()
    red = project.pytest("--benchmark-only")

    assert (green.ret, red.ret) == (0, 1)
    for result in (green, red):
        result.assert_outcomes(skipped=8)
        assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize("row", [row for row in INSTALLED if row.name == "pytest-html"], ids=["html"])
def test_the_report_of_pytest_html_shows_the_page(project: Project, row: Row) -> None:
    """Where pytest-html makes a report, it has the queue's page in a frame, with all that the page shows."""
    project.plugins += row.entries
    project.drift()
    assert project.pytest(*row.args.split(), "--queue-html=page.html").ret == 1
    page = (project.path / "page.html").read_text(encoding="utf-8")
    framed = page.replace("<head>", '<head><base href="about:srcdoc">', 1)  # links lead to the page itself
    assert f'srcdoc="{escape(framed)}"' in (project.path / "r.html").read_text(encoding="utf-8")
    assert "Where the queues differ" in page


def test_every_plugin_is_pinned() -> None:
    """What the table lists is what ci/pytest-plugins installs."""
    pins = PINNED.read_text(encoding="utf-8").replace("_", "-").lower()
    assert [row.name for row in ROWS if f"\n{row.name.lower()}==" not in pins] == []
