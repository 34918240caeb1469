"""`ops-checks help`: the pages of the manual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.cli.command import command_names
from ops_checks.help import page, topics
from ops_checks.presentation.wrapping import reflowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told


def test_the_topics_are_listed(run: Callable[..., Told]) -> None:
    """Without a topic each of them is a line with its title."""
    told = run("help")
    assert (told.code, told.err) == (0, "")
    assert [line.partition(":")[0] for line in told.out.splitlines()] == topics()


@pytest.mark.parametrize("topic", topics())
def test_a_page_is_printed_as_it_is(run: Callable[..., Told], topic: str) -> None:
    """Where stdout is no terminal a page is its Markdown, byte for byte."""
    assert run("help", topic) == (0, page(topic), "")


def test_a_terminal_gets_a_pager(
    run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the page goes to the pager, which prints it where there is none, wrapped to the terminal."""
    paged: list[str] = []
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("pydoc.pager", paged.append)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    told = run("help", "policy")
    assert (told.code, told.out, paged) == (0, "", [reflowed(page("policy"), 60)])


@pytest.mark.parametrize(
    ("argv", "columns"),
    [([name], 60) for name in command_names()]
    + [(argv, columns) for argv in ([], ["list"], ["reconcile", "plan"]) for columns in (60, 20, 1)],
)
def test_help_fits_the_terminal(
    run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, argv: list[str], columns: int
) -> None:
    """At 60 columns only an example is wider, and no word is broken; at any width the same words are shown."""
    monkeypatch.setenv("COLUMNS", str(columns))
    told = run(*argv, "--help")
    assert (told.code, told.err) == (0, "")
    if columns == 60:
        assert [line for line in told.out.splitlines() if len(line) > 60 and "  ops-checks " not in line] == []
    monkeypatch.setenv("COLUMNS", "300")
    assert told.out.split() == run(*argv, "--help").out.split()


def test_an_unknown_topic_is_a_usage_error(run: Callable[..., Told]) -> None:
    """A topic that is none is exit code 4, and the line names those that there are."""
    told = run("help", "nothing")
    assert (told.code, told.out) == (4, "")
    assert all(topic in told.err for topic in topics())
