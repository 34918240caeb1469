"""Sinks: what comes from a queue or a log is only ever text: on a terminal, in GitHub's log, in the queue itself."""

from __future__ import annotations

import pytest
from test_campaigns import run

from tests.campaigns import sinks
from tests.campaigns.sink_readers import runner_commands, table_rows, terminal_lines


def test_a_pass():
    """The campaign in its small size: hostile texts and many code points through all sinks are text, nothing else.

    In a process of its own, which no coverage measures: that would take as long again.
    """
    assert len(set("".join(sinks.chunks()))) == 0x110000 - 0x800
    ended = run("sinks", str(sinks.SMALL))
    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-5_000:]


@pytest.mark.parametrize(
    ("log", "commands"),
    [
        ("::error::x", ["error"]),
        ("a\n  \u00a0\u3000\u2028::Warning file=x::y", ["warning"]),
        ("a\r::notice::y", ["notice"]),
        ("text ##[group]x", ["group"]),
        ("##[add-mask x=y;]z\r\n::debug::", ["add-mask", "debug"]),
        ("a::error::x", []),
        (": :error::x", []),
        ("::error", []),
        ("::nonsense::x", []),
        ("## [error]x ##[nonsense]", []),
        ("\u200b::error::x", []),
    ],
)
def test_reader_of_the_runner(log, commands):
    """The reader obeys what the runner would."""
    assert runner_commands(log) == commands


@pytest.mark.parametrize(
    "shown", ["a\x1b[31m\n", "a\rb\n", "a\x9b\n", "a\u202eb\n", "a\u2028b\n", "a", "a\x00\n", "a\ue000\n"]
)
def test_reader_of_a_terminal(shown):
    """The reader refuses what a terminal would obey, and what it cannot show."""
    with pytest.raises(ValueError, match=r"terminal|no end"):
        terminal_lines(shown)


def test_reader_resolves_escapes():
    """The reader gives back the text that the escapes stand for."""
    assert terminal_lines("a\\x1b\\u202e\\U000e0001\\n 한\u00a0글\n") == ["a\x1b\u202e\U000e0001\n 한\u00a0글"]


def test_reader_of_tables():
    """The reader gives the cells of a document as GitHub shows them."""
    document = "text\n\n| a | b |\n|--|--|\n| x\\|y | `p\\|q` |\n\n| c | d |\n|--|--|\n"
    assert table_rows(document) == [["a", "b"], ["x|y", "`p|q`"], ["c", "d"]]


def test_an_unsafe_sink_is_seen(monkeypatch):
    """The campaign can fail: a command that prints text as it is, and a format that does."""
    for made_safe in ("visible", "without_commands"):
        monkeypatch.setattr(f"ops_checks.cli.output.{made_safe}", lambda line: line)
    monkeypatch.setattr("ops_checks.cli.report_files._for_log", lambda _invocation, _name, text: text)
    monkeypatch.setattr("ops_checks.cli.live.lines.visible", lambda text: text)
    found = "\n".join(sinks.problems(["\x1b[2J", "x##[error]y", "::error::x"], sinks.REPORTS))
    assert "workers: a terminal would obey" in found
    assert "watch queue.db, drawn: a terminal would obey" in found
    assert "watch QUEUE.md, printed: a terminal would obey" in found
    assert "watch QUEUE.md, printed: the runner would obey ['error'" in found
    assert "workers: the runner would obey ['error'" in found
    assert "check -f text --color always: the runner would obey ['error'" in found
