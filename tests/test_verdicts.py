"""Verdicts: a matrix of situations, each a small change to a healthy operation, through the whole command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.campaigns import verdicts
from tests.campaigns.expected import GREEN, Expected, Situation, drift

_BY_NAME = {situation.name: situation for situation in verdicts.SITUATIONS}


@pytest.mark.parametrize("situation", verdicts.SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation):
    """A situation gets the verdict, the exit code and the findings it must, and the gate writes nothing."""
    assert verdicts.judge(situation)[1] == []


def test_every_situation_is_another_one():
    """The matrix has its size: no situation stands in it twice."""
    assert len(_BY_NAME) == len(verdicts.SITUATIONS) >= 60


@pytest.mark.parametrize(
    "name", ["healthy", "a row is missing in Markdown", "a torn middle line", "a stale item, one allowed"]
)
def test_among_many_items(name):
    """A hundred healthy items around it change nothing."""
    assert verdicts.judge(_BY_NAME[name], more=100)[1] == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("healthy", drift("missing-in-db", "ORCH-103")),
        ("a row is missing in Markdown", GREEN),
        ("a row is missing in Markdown", drift("missing-in-md", "ORCH-104")),
        ("a row is missing in Markdown", drift("missing-in-db", "ORCH-103")),
        ("a row is missing in Markdown", drift("missing-in-md", "ORCH-103").with_(code=2)),
        ("a row is missing in Markdown", drift("missing-in-md", "ORCH-103").with_(error=("no such queue",))),
        ("a row is missing in Markdown", drift("missing-in-md", "ORCH-103").with_(remark="looks like a row")),
        ("a row is missing in Markdown", drift("missing-in-md", "ORCH-103").with_(waived=1)),
        ("an unknown flag", GREEN),
        ("no database", Expected(4, "usage", error=("no such database",))),
    ],
)
def test_a_wrong_verdict_is_seen(name, wrong):
    """The matrix can fail: what is not as expected is told."""
    assert verdicts.judge(replace(_BY_NAME[name], expected=wrong))[1]


def test_what_the_gate_writes_is_seen():
    """A file that changes while the gate runs is told."""
    writes = Situation("x", lambda op: op.argv.extend(["-f", "json=made.json", "-f", "text=made.txt"]), GREEN)
    assert any(problem.startswith("the gate wrote: ") for problem in verdicts.judge(writes)[1])


def test_campaign_counts(monkeypatch):
    """The campaign counts wrong greens and wrong reds, and proves nothing with few situations."""
    wrong = [
        replace(_BY_NAME["healthy"], expected=drift("missing-in-db", "x")),
        replace(_BY_NAME["a row is missing in Markdown"], expected=GREEN),
        _BY_NAME["healthy"],
    ]
    monkeypatch.setattr(verdicts, "SITUATIONS", wrong)
    outcome = verdicts.run(1, lambda _: None)
    assert outcome.figures == {"situations": 3, "wrong_greens": 1, "wrong_reds": 1}
    assert len(outcome.failures) > 1
    assert not outcome.valid
