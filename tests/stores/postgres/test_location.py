"""Where a queue on a server is: what libpq reads, what is shown of it, and no password anywhere (FORMATS section 8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown
from psycopg.conninfo import conninfo_to_dict

from ops_checks.errors import UsageError
from ops_checks.stores.postgres.location import server_location
from ops_checks.stores.registry import POSTGRES, is_url, located, open_queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from postgres_queues import PgQueue

SECRET = "s3cr3t"
#: A password in every place where somebody may write one, and what looks like it.
BAD = [
    text.replace("PW", SECRET)
    for text in (
        "postgresql://u:PW@host/db",
        "POSTGRES://u:PW@host/db",
        "postgresql://:PW@host/db",
        "postgresql://u:PW@[::1]:5432/db",
        "postgresql://u:PW@h1,h2:99/db",
        "postgresql://u:p%40PW@host/db",
        "postgresql://u%3APW@host/db",
        "postgresql://u:a@PW@host/db",
        "postgresql://u:a/PW@host/db",
        "postgresql://u:a#PW@host/db",
        "postgresql://u:a?PW@host/db",
        "postgresql://u:PW%zz@host/db",
        "postgresql://[u:PW@host/db",
        "postgresql://u:\tPW@host/db",
        " postgresql://u:PW@host/db",
        "postgresql ://u:PW@host/db",
        "postgresql://host/db?password=PW",
        "postgresql://host/db?PassWord=PW",
        "postgresql://host/db?pass%77ord=PW",
        "postgresql://host/db?user=u&sslpassword=PW&schema=x",
        "postgresql://host/db?user=u&amp;password=PW",
        "postgresql://host/db;password=PW",
        "postgresql://host/db password=PW",
        "postgresql:u:PW@host/db",
        "postgresql:password=PW",
        "postgresql:///?dbname=postgresql://u:PW@h/db",
        "postgresql:///postgresql:%2F%2Fu:PW@h%2Fdb",
        "password=PW",
        " password=PW",
        "dbname=x password=PW",
        "dbname=x PASSWORD = 'PW'",
        "dbname=x password='a PW",
        "host=h sslpassword=PW",
        "connect_timeout=1 password=PW",
        "target_session_attrs=any password=PW",
        "schema=x password=PW",
        "service=x;password=PW",
        "service=x password:PW",
        "user=u pass=PW",
        "user=u,pwd=PW",
        "PGPASSWORD=PW dbname=x",
        "dbname='postgresql://u:PW@h/db'",
        "mysql://u:PW@host/db",
        "mongodb+srv://u:PW@host/db",
        "postgresql+psycopg://u:PW@host/db",
        "jdbc:postgresql://u:PW@host/db",
        "sqlite://u:PW@h/x.db",
        "//u:PW@host/db",
        "u:PW@host/db",
        "file:q.db?password=PW",
        "service=x\npassword=PW",
    )
]


@pytest.mark.parametrize("text", BAD)
def test_a_password_is_refused_and_not_shown(text: str) -> None:
    """Whatever is no path and may hold one is refused by a line that says where to keep it, and shows nothing of it."""
    for look in (located, open_queue):
        with pytest.raises(UsageError) as raised:
            look(text)
        told = "".join((str(raised.value), repr(raised.value), *raised.value.details))
        assert SECRET not in told
        assert raised.value.__cause__ is None


@pytest.mark.parametrize("text", BAD)
def test_no_command_shows_a_password(
    run: Callable[..., Told], folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """On the command line, in the environment and in the policy: exit 4, whatever the command and the format."""
    make_markdown(folder / "QUEUE.md", [item()])
    for argv in (["list", "--db", text], ["check", "--queue", text, "--json"], ["cancel", "--id", "A", "--db", text]):
        assert_told(run(*argv))
    monkeypatch.setenv("ORCH_DB_PATH", text)
    assert_told(run("check", "--queue", "QUEUE.md", "--format", "junit"))
    monkeypatch.delenv("ORCH_DB_PATH")
    for name in ("db", "queue"):
        (folder / "ops-checks.yaml").write_text(f"{name}: {json.dumps(text)}\n")
        assert_told(run("check", "--format", "sarif"))
        assert_told(run("policy", "check"))
    monkeypatch.setenv("ORCH_DB_PATH", text)
    (folder / "ops-checks.yaml").write_text("db: queue.db\n")
    assert_told(run("list"))


def assert_told(told: Told) -> None:
    """Assert that a command refused to work and showed no password."""
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith("error: ")
    assert SECRET not in told.err


@pytest.mark.parametrize(
    ("text", "shown", "schema", "conninfo"),
    [
        ("postgresql://u@h:1/db", "postgresql:db", None, {"user": "u", "host": "h", "port": "1", "dbname": "db"}),
        ("postgres:///db?host=/run&schema=s", "postgresql:db schema s", "s", {"host": "/run", "dbname": "db"}),
        ("postgresql:///?service=prod", "postgresql:prod", None, {"service": "prod"}),
        ("postgresql://u@h/a%20b?sslmode=require", "postgresql:a b", None, {"dbname": "a b", "sslmode": "require"}),
        ("postgresql://h1,h2:2/db", "postgresql:db", None, {"host": "h1,h2", "port": ",2"}),
        ("postgresql:///?dbname=db&schema=a%22b", 'postgresql:db schema a"b', 'a"b', {"dbname": "db"}),
        ("service=prod", "service=prod", None, {"service": "prod"}),
        ("service=prod schema='a b'", "service=prod schema a b", "a b", {"service": "prod"}),
        ("host = h  dbname = 'a\\'b'", "postgresql:a'b", None, {"host": "h", "dbname": "a'b"}),
        ("dbname=db schema=s user=u", "postgresql:db schema s", "s", {"dbname": "db", "user": "u"}),
        ("dbname=db passfile=/x", "postgresql:db", None, {"passfile": "/x"}),
        ("user=compass dbname=bypass", "postgresql:bypass", None, {"user": "compass"}),
    ],
)
def test_what_is_shown_is_a_name(text: str, shown: str, schema: str | None, conninfo: dict[str, str]) -> None:
    """People see the database or the service, and the schema; libpq gets all but the schema."""
    location = server_location(text)
    assert (str(location), location.schema, is_url(text), POSTGRES.located(text)) == (shown, schema, True, shown)
    found = conninfo_to_dict(location.conninfo)
    assert found | conninfo == found
    assert "schema" not in found
    assert server_location(location) is location


@pytest.mark.parametrize(
    "text",
    ["postgresql:", "postgresql:db", "service=", "dbname='x", "service=a dbname", "postgresql://h:1/db?x"],
)
def test_what_cannot_be_read_is_told_without_it(text: str, run: Callable[..., Told]) -> None:
    """A location that libpq does not read is a wrong use; an empty name is left to libpq."""
    told = run("list", "--db", text)
    assert told.code in ((3,) if text == "service=" else (4,))
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("text", ["user=u credential=PW", "postgresql://h/db?token=PW", "postgresql://h/db?sslmode=PW"])
def test_what_libpq_refuses_is_not_quoted(text: str, run: Callable[..., Told]) -> None:
    """Libpq quotes what it does not know: that may be anything."""
    told = run("list", "--db", text.replace("PW", SECRET))
    assert told.code in (3, 4)
    assert SECRET not in told.err


@pytest.mark.parametrize("name", ["a=b.db", "a@b.db", "pass: word.db", "passwords.db", "x:y@z.db"])
def test_a_file_may_have_any_name(run: Callable[..., Told], folder: Path, name: str) -> None:
    """What is there is a file, whatever it is called."""
    make_database(folder / name, [item("A-1")])
    assert "A-1" in run("list", "--db", name).out


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "github", "gitlab", "markdown", "openmetrics"])
def test_no_report_shows_a_connection(
    run: Callable[..., Told], folder: Path, pg_queue: Callable[..., PgQueue], form: str
) -> None:
    """Host, port, user and options stand in no report, answer or note, whatever its format; the name does."""
    queue = pg_queue([item("A-1"), item("A-2", "DONE")])
    make_markdown(folder / "QUEUE.md", [item("A-1", "DONE")])
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")
    location = queue.location(application_name="secretive", connect_timeout=7)
    where = ["--queue", "QUEUE.md", "--db", location]
    told = run("check", "--only", "consistency", "--format", form, *where)
    assert told.code == 1
    host = queue.database.parameters().get("host", "postgresql://")
    hidden = ["secretive", "connect_timeout", "host=", "postgresql://", host]
    assert [word for word in hidden if word in told.out + told.err] == []
    for argv in (["list", "--json"], ["show", "A-1"], ["drift"], ["cancel", "--id", "A-1", "--json"], ["baseline"]):
        told = run(*argv, *where)
        assert [word for word in hidden if word in told.out + told.err] == [], argv
