"""Where two long texts differ: what is shown of them holds the difference, and no short text changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.presentation.difference import LONG, excerpts

TASK = "Nightly export to the warehouse: split by day, at most 50,000 rows a file, one folder for each month"


@pytest.mark.parametrize(
    ("left", "right", "shown"),
    [
        ("IN_PROGRESS", "DONE", ("IN_PROGRESS", "DONE")),
        (TASK, TASK, (TASK, TASK)),
        (
            TASK,
            TASK.replace("50,000", "500,000"),
            ("…split by day, at most «50,000» rows a file, one…", "…split by day, at most «500,000» rows a file, one…"),
        ),
        (TASK, f"Not {TASK}", ("«Nightly» export to the…", "«Not Nightly» export to the…")),
        (TASK, f"{TASK} more", ("…one folder for each «month»", "…one folder for each «month more»")),
        (TASK, "", (f"«{TASK}»", "«»")),
        ("가" * 70, "가" * 69 + "나", ("…" + "가" * 24 + "«가»", "…" + "가" * 24 + "«나»")),
    ],
)
def test_excerpts(left: str, right: str, shown: tuple[str, str]):
    """The changed words are marked, with some words around them."""
    assert excerpts(left, right) == shown


@given(st.text(st.sampled_from("ab c"), max_size=99), st.text(st.sampled_from("ab c"), max_size=99))
def test_texts_that_differ_are_shown_differently(left: str, right: str):
    """Whatever differs is shown whole, and little more than the texts have."""
    one, other = excerpts(left, right)
    assert (one == other) is (left == right)
    assert len(one) <= max(len(left), LONG) + 4
