"""The session's report as a page: `--queue-html`, with workers or without, and in the report of pytest-html."""

from __future__ import annotations

import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from builders import item
from queue_projects import ITEMS, QUEUE

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ("pytester",)

#: What pytest-html does, as far as it meets our plugin: the option, the hook, and a report of what that adds.
PYTEST_HTML = """
import pytest

class Hooks:
    def pytest_html_results_summary(self, prefix, summary, postfix, session): ...

def pytest_addoption(parser, pluginmanager):
    pluginmanager.add_hookspecs(Hooks)
    parser.addoption("--html", dest="htmlpath")

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    found = {name: [] for name in ("prefix", "summary", "postfix")}
    session.config.hook.pytest_html_results_summary(session=session, **found)
    if session.config.option.htmlpath and not hasattr(session.config, "workerinput"):
        with open(session.config.option.htmlpath, "w", encoding="utf-8") as file:
            file.write("<body>" + "".join(found["postfix"]) + "</body>")
"""


def rendered_again(project: Project) -> str:
    """Return the page of the saved report."""
    command = [sys.executable, "-m", "ops_checks", "report", "out/r.json", "-f", "html"]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_page_is_that_of_the_saved_report(project: Project, workers: str) -> None:
    """The page is written beside the JSON report, with what lies behind it, by one process or several."""
    project.plugins += ("xdist",)
    project.drift()

    result = project.pytest(workers, "--queue-html=out/page.html", "--queue-report=out/r.json")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["report: out/r.json", "report: out/page.html"])
    page = (project.path / "out/page.html").read_text(encoding="utf-8")
    assert page == rendered_again(project)
    background = project.report("out/r.json")["background"]
    assert [each["item"] for each in background["drift"]] == ["ORCH-2"]
    assert "Where the queues differ" in page


def test_without_the_option_nothing_is_collected(project: Project) -> None:
    """A session that makes no page reads what it read before."""
    assert project.pytest("--queue-report=r.json").ret == 0
    assert "background" not in project.report("r.json")


def test_the_ini_name(project: Project) -> None:
    """As every option it has an ini name, and its folder is made; the page of the last session is replaced."""
    project.write("pytest.ini", "[pytest]\nqueue_html = new/page.html\n")
    for _ in range(2):
        assert project.pytest().ret == 0
    assert (project.path / "new/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


class Frames(HTMLParser):
    """Reads a page: its elements, and the pages in its frames."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.frames: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.tags.append(tag)
        self.frames += [dict(attrs)] if tag == "iframe" else []


def test_pytest_html_shows_the_page(project: Project) -> None:
    """In the report of pytest-html the page is the text of a frame that runs nothing, whatever is in the queue."""
    hostile = item("ORCH-2", "DONE", task='"></iframe><script>alert(1)</script>')
    project.plugins += ("xdist",)
    project.write("conftest.py", PYTEST_HTML)
    project.queues(ITEMS, [ITEMS[0], hostile, ITEMS[2]])

    result = project.pytest("-n2", "--html=ph.html", "--queue-html=page.html")

    assert result.ret == 1
    found = Frames((project.path / "ph.html").read_text(encoding="utf-8"))
    assert found.tags == ["body", "iframe"]
    [frame] = found.frames
    page = (project.path / "page.html").read_text(encoding="utf-8")
    assert frame["srcdoc"] == page.replace("<head>", '<head><base href="about:srcdoc">', 1)
    assert frame["sandbox"] == "allow-same-origin"  # and no scripts
    assert escape("<script>alert(1)") in frame["srcdoc"]


def test_pytest_html_alone_shows_what_lies_behind(project: Project) -> None:
    """What a page shows beyond the report is collected for the report of pytest-html, too."""
    project.write("conftest.py", PYTEST_HTML)
    project.queues(ITEMS, [ITEMS[0], item("ORCH-2", "DONE"), ITEMS[2]])
    assert project.pytest("--html=ph.html").ret == 1
    [frame] = Frames((project.path / "ph.html").read_text(encoding="utf-8")).frames
    assert "Where the queues differ" in (frame["srcdoc"] or "")


def test_pytest_html_is_no_input(project: Project) -> None:
    """Its report is not written over a queue."""
    project.write("conftest.py", PYTEST_HTML)
    before = (project.path / QUEUE).read_bytes()
    result = project.pytest(f"--html={QUEUE}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --html: * is an input: name another file"])
    assert (project.path / QUEUE).read_bytes() == before
