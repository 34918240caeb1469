"""The fast lane understands `status` and `workers` as argparse does, or leaves them to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.cli.parser import parse
from ops_checks.cli.quick_parser import plain_arguments
from ops_checks.errors import UsageError

WORDS = [
    "status",
    "workers",
    "kpi",
    "--queue",
    "--db",
    "--policy",
    "a.md",
    "b.db",
    "-x",
    "",
    " ",
    "--",
    "--help",
    "=",
    "-q",
    "--quiet",
]
OWN = [
    "list",
    "show",
    "--status",
    "--id",
    "-n",
    "-f",
    "--format",
    "json",
    "csv",
    "--stale",
    "--sort",
    "id",
    "A-1",
    "--db",
    "b.db",
    "-q",
]


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_same_as_argparse(argv: list[str]):
    """Whatever the fast lane takes, argparse takes too, and makes the same of it."""
    plain = plain_arguments(argv)
    if plain is not None:
        assert vars(plain) == vars(parse(argv))


@given(st.lists(st.sampled_from([*OWN, "-", "--status=x", "status", ""]), max_size=9))
def test_own_arguments_are_the_same_as_argparse_s(argv: list[str]):
    """So it is with the arguments of a command that starts fast."""
    plain = plain_arguments(argv)
    if plain is not None:
        assert vars(plain) == vars(parse(argv))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["status"], {"command": "status", "format": "text"}),
        (["--queue", "q.md", "workers"], {"command": "workers", "queue": "q.md", "format": "text"}),
        (["status", "--db", "a", "--db", "a"], {"command": "status", "db": "a", "format": "text"}),
        (["--queue", "status", "status"], {"command": "status", "queue": "status", "format": "text"}),
        (["status", "-f", "json"], {"command": "status", "format": "json"}),
        (
            ["--db", "q", "show", "A-1", "A-2", "-f", "json"],
            {"command": "show", "db": "q", "ids": ["A-1", "A-2"], "format": "json"},
        ),
    ],
)
def test_plain(argv: list[str], expected: dict[str, str]):
    """The plain forms take the fast lane, in either order."""
    plain = plain_arguments(argv)
    assert plain is not None
    assert vars(plain) == {"color": "auto", **expected}


@pytest.mark.parametrize(
    "argv",
    [[], ["kpi"], ["status", "status"], ["status", "--queue"], ["status", "--queue", "-x"], ["status", "--help"],
     ["status", "--queue=q.md"], ["status", "--policy", "p"], ["--queue", "q"], ["status", "--db", "\0"],
     ["status", "--db", "a", "--db", "b"], ["--queue", "a", "workers", "--queue", "b"],
     ["status", "-fjson"], ["status", "-f", "xml"],
     ["show"], ["show", "A-1", "--db", "q", "A-2"], ["list", "--id", "-"], ["list", "-n", "1", "-n", "2"],
     ["list", "A-1"], ["list", "-f", "x"], ["list", "--id"], ["list", "--status="]],
)  # fmt: skip
def test_left_to_argparse(argv: list[str]):
    """Everything else is left to argparse, wrong or right."""
    assert plain_arguments(argv) is None


def test_a_path_named_like_a_command():
    """Argparse, too, tells the command from a path that is called like one."""
    assert parse(["--queue", "kpi", "status", "--lock-timeout", "1"]).command == "status"
    with pytest.raises(UsageError):
        parse(["--queue", "kpi", "stats"])
