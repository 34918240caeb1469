"""`ops-checks help`: the pages of the manual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.help import page, topics

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
    """On a terminal the page goes to the pager, which prints it where there is none."""
    paged: list[str] = []
    monkeypatch.setattr("pydoc.pager", paged.append)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    told = run("help", "policy")
    assert (told.code, told.out, paged) == (0, "", [page("policy")])


def test_an_unknown_topic_is_a_usage_error(run: Callable[..., Told]) -> None:
    """A topic that is none is exit code 4, and the line names those that there are."""
    told = run("help", "nothing")
    assert (told.code, told.out) == (4, "")
    assert all(topic in told.err for topic in topics())
