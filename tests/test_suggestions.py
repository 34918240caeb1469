"""The known word that a mistyped one is most like."""

from __future__ import annotations

import pytest

from ops_checks.suggestions import IDS_LEAST, closest, did_you_mean

COMMANDS = ("baseline", "cancel", "check", "consistency-check", "kpi", "list", "status", "workers")
IDS = ("ORCH-113", "ORCH-013", "ORCH-031", "DB-1", "한국-1")


@pytest.mark.parametrize(
    ("word", "known", "least", "meant"),
    [
        ("statsu", COMMANDS, 0.6, "status"),
        ("STATUS", COMMANDS, 0.6, "status"),
        ("consistency_check", COMMANDS, 0.6, "consistency-check"),
        ("frobnicate", COMMANDS, 0.6, None),
        ("", COMMANDS, 0.6, None),
        ("x" * 1_000_000, COMMANDS, 0.6, None),
        ("status", ("x" * 1_000_000,), 0.6, None),
        ("orch-13", IDS, IDS_LEAST, "ORCH-013"),
        ("ORCH-O13", IDS, IDS_LEAST, "ORCH-013"),
        ("ORHC-013", IDS, IDS_LEAST, "ORCH-013"),
        ("ORCH-0013", IDS, IDS_LEAST, "ORCH-013"),
        ("한국-01", IDS, IDS_LEAST, "한국-1"),
        ("DB-2", IDS, IDS_LEAST, None),
        ("ORCH-999", IDS, IDS_LEAST, None),
    ],
)
def test_closest(word: str, known: tuple[str, ...], least: float, meant: str | None):
    """The most alike is meant, in any case and with any zeros; what is not like it is not suggested."""
    assert closest(word, known, least) == meant


def test_of_several():
    """Of several that are equally like it: that of the same letters, of the same beginning, the first."""
    assert closest("p59", ("p50", "p99", "p95")) == "p95"
    assert closest("ORCH-1031", ("ORCH-101", "ORCH-103")) == "ORCH-103"
    assert [closest("ab", ("abc", "abd")), closest("ab", ("abd", "abc"))] == ["abc", "abd"]


def test_a_suggestion_is_one_line():
    """A known word comes from a queue, and is only text."""
    assert did_you_mean("A\n\x1b[31m", ["A\n\x1b[32m"]) == r"; did you mean A\n\x1b[32m?"
