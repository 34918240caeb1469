"""The registry of stores: what a location means, and what is said where a kind's packages are not installed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from psycopg import pq

from ops_checks.errors import UsageError
from ops_checks.stores.registry import is_url, located, open_queue

if TYPE_CHECKING:
    from pathlib import Path

_WITHOUT = "import sys; sys.modules['psycopg'] = None; from ops_checks.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("command", ["status", "list", "workers", "show X"])
def test_a_missing_package_is_one_error(tmp_path: Path, command: str) -> None:
    """It names the extra that brings the package; nothing else in a command needs it."""
    argv = [sys.executable, "-c", _WITHOUT, *command.split()]
    ran = subprocess.run([*argv, "--db", "service=q"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (3, 1)
    assert ran.stderr.startswith("error: a queue of the kind postgres needs what is not installed (")
    assert ran.stderr.endswith("): install ops-checks with its extra postgres, as `ops-checks help install` says\n")


@pytest.mark.parametrize("location", ["queue.db", "a=b.db", "C:x.md", "./postgresql:x"])
def test_a_path_stays_as_it_is(location: str) -> None:
    """Whatever characters a file's name has."""
    assert (located(location), is_url(location)) == (location, False)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("postgresql://h/queue", "postgresql:queue"),
        ("postgres://u@h:5433/queue?sslmode=require", "postgresql:queue"),
        ("PostgreSQL:///queue?host=/run", "postgresql:queue"),
        ("postgresql://h/queue?schema=ops", "postgresql:queue schema ops"),
        ("service=queue", "service=queue"),
        ("service=queue schema=ops", "service=queue schema ops"),
        ("host=h dbname='a b'", "postgresql:a b"),
    ],
)
def test_a_server_is_shown_by_the_name_of_its_database(location: str, shown: str) -> None:
    """No host, user or option of a connection is shown; opened, the name leads to the same queue."""
    assert located(location) == shown
    assert open_queue(located(location)).location == shown


def test_every_word_of_libpq_is_known() -> None:
    """A location that begins with one is none of a file."""
    words = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    assert [word for word in sorted(words) if not is_url(f"{word}=x dbname=q")] == []


@pytest.mark.parametrize("location", ["mysql://h/secret", "https://h:5/secret", "postgresq://h/secret"])
def test_another_url_is_an_error_that_shows_nothing_of_it(location: str) -> None:
    """A URL is no path, and nobody knows what in it is a secret."""
    with pytest.raises(UsageError) as raised:
        located(location)
    assert raised.value.message.startswith("no kind of queue has such a URL")
    assert "secret" not in raised.value.message
