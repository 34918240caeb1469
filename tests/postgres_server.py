"""A real PostgreSQL for tests: servers of our own in a folder that is gone afterwards, or the one that is named.

`OPS_CHECKS_TEST_POSTGRES` names a server that runs already, as a conninfo or a URL; its user must be allowed to
create databases. Else the newest PostgreSQL that is installed is started, on a unix socket only. Nothing of it
outlives the process that started it, however that ends: a shell waits for the end of a pipe that only this process
holds, then stops the servers and removes their folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, cast
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

#: Names a server that runs already.
VARIABLE = "OPS_CHECKS_TEST_POSTGRES"
#: Where Debian has the programs of each version, below the root.
INSTALLED = "usr/lib/postgresql/*/bin/initdb"
#: The superuser of our own servers, and their one port: it is part of the socket's name.
SUPERUSER, PORT = "postgres", "5432"
#: What a path of a socket may have, in bytes (`sun_path` of unix(7), less the NUL).
SOCKET_BYTES = 107
#: Nothing of a test must survive a crash of the machine. Without autovacuum no test meets it by chance.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "lc_messages": "C",
}
#: ICU's order of text is not that of bytes: a query that forgets COLLATE "C" is seen. Servers before 15 have no such
#: option; theirs is the order of bytes.
_INITDB = f"--username={SUPERUSER} --auth=trust --no-sync --encoding=UTF8 --locale=C.UTF-8 --no-instructions".split()
_ICU = ["--locale-provider=icu", "--icu-locale=en-US"]
_STANDBY = ["--write-recovery-conf", "--no-sync", "--checkpoint=fast"]
#: Its arguments: the folder, and `pg_ctl` with what becomes the servers' user; the folder is ours, and so is what
#: removes it. `postmaster.pid` is there as long as its server is; `immediate` waits for nobody.
_SUPERVISOR = """
trap '' HUP INT TERM
folder=$1
shift
read -r line
for pid in "$folder"/*/data/postmaster.pid; do
  if [ -f "$pid" ]; then "$@" -D "${pid%/*}" -m immediate -w stop; fi
done
rm -rf "$folder"
"""


class MissingServerError(Exception):
    """No PostgreSQL can be had here; the message says why and what to do."""


class Database:
    """One database of a server, as a test uses it."""

    def __init__(self, name: str, parameters: Mapping[str, str]) -> None:
        self.name = name
        self._parameters = {**parameters, "dbname": name}

    def parameters(self, **changes: object) -> dict[str, str]:
        """Return libpq's parameters of a connection, changed as asked; None takes one out."""
        changed = {**self._parameters, **changes}
        return {name: str(value) for name, value in changed.items() if value is not None}

    def location(self, **changes: object) -> str:
        """Return the database as a user names it, `postgresql:///NAME?host=…&user=…`, changed as asked."""
        parameters = self.parameters(**changes)
        name = quote(parameters.pop("dbname", ""), safe="")
        return f"postgresql:///{name}" + (f"?{urlencode(parameters, quote_via=quote)}" if parameters else "")

    def connect(self, **changes: object) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection that commits each statement; the caller closes it. `changes` as in `location`."""
        import psycopg

        return psycopg.connect(**cast("Any", self.parameters(**changes)), autocommit=True)

    def execute(self, sql: str, values: Sequence[object] | None = None, **changes: object) -> list[tuple[Any, ...]]:
        """Run SQL on a connection of its own and return the rows of its last statement. Several need no `values`."""
        with self.connect(**changes) as connection, connection.cursor() as cursor:
            cursor.execute(cast("LiteralString", sql), values)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def terminate_backends(self, condition: str = "true") -> int:
        """End the other connections to this database, those of which an SQL condition on `pg_stat_activity` holds.

        Returns how many there were. They get the error 57P01, as from an operator or a server that is stopped.
        """
        ended = self.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND ({condition})"
        )
        return len(ended)


class Server:
    """A server that runs: `parameters` are libpq's for its database `postgres`, without a password."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.admin = Database(parameters.get("dbname", "postgres"), parameters)
        self._numbers = itertools.count(1)

    @property
    def conninfo(self) -> str:
        """Return the conninfo of the server's own database."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(**cast("Any", self.admin.parameters()))

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """Make a database, empty and with a name of its own; drop it afterwards, whoever is connected to it."""
        name = f"ops_checks_{os.getpid()}_{next(self._numbers)}"
        with self.admin.connect() as connection:
            # Copying the files takes a third of the time of writing them to the log, the default of 15.
            strategy = " STRATEGY file_copy" if connection.info.server_version >= 15_00_00 else ""
            connection.execute(cast("LiteralString", f"CREATE DATABASE {name} TEMPLATE template0{strategy}"))
        try:
            yield Database(name, self.admin.parameters())
        finally:
            self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def role(self, options: str = "LOGIN") -> Iterator[str]:
        """Make a role, with a name of its own; drop it afterwards. What it owns or may do must be gone by then."""
        name = f"ops_checks_role_{os.getpid()}_{next(self._numbers)}"
        self.admin.execute(f"CREATE ROLE {name} {options}")
        try:
            yield name
        finally:
            self.admin.execute(f"DROP ROLE {name}")


def unprivileged() -> list[str]:
    """Return how a command begins so that a server's user runs it: nobody where we are root, as whom no server runs."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


class Servers:
    """Servers of our own, in one folder; a context that stops and removes them all."""

    def __init__(self) -> None:
        self._programs = find_programs()
        self._names = itertools.count(1)

    def __enter__(self) -> Servers:  # noqa: PYI034 - nobody inherits from it
        root = os.geteuid() == 0
        # Root's TMPDIR may be out of the other user's reach.
        self.folder = Path(tempfile.mkdtemp(prefix="ops-checks-postgres-", dir="/tmp" if root else None))
        if root:
            shutil.chown(self.folder, "nobody")
        # In a session of its own, so that Ctrl-C on our terminal is not its end.
        self._supervisor = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISOR, "sh", str(self.folder), *unprivileged(), str(self._programs / "pg_ctl")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._surroundings(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._supervisor.communicate()

    @contextlib.contextmanager
    def server(self, primary: OwnServer | None = None, **settings: str) -> Iterator[OwnServer]:
        """Start a new server, with settings of postgresql.conf besides ours; stop and remove it afterwards.

        `primary`: the new one is a hot standby of it, which answers from what it has got so far.
        """
        folder = self.folder / str(next(self._names))
        server = OwnServer(self, folder, primary)
        server.configure(**settings)
        server.start()
        try:
            yield server
        finally:
            if server.runs():
                server.stop()
            shutil.rmtree(folder)

    def template(self) -> Path:
        """Return what each server's data is copied from, in a tenth of the time of making it anew."""
        template = self.folder / "template"
        if not template.exists():
            version = int(self.run("postgres", "--version").split()[2].partition(".")[0])
            self.run("initdb", *_INITDB, *(_ICU if version >= 15 else ()), f"--pgdata={template}")
        return template

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of PostgreSQL as the servers' user and return what it printed."""
        return self.run_command(str(self._programs / program), *arguments)

    def run_command(self, *command: str) -> str:
        """Run a command as the servers' user and return what it printed. Raises MissingServerError if it fails."""
        # Into a file: a server that was started keeps what it was given, and a pipe would not end.
        with tempfile.TemporaryFile("w+") as told:
            try:
                done = subprocess.run(
                    [*unprivileged(), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=told,
                    timeout=120,
                    check=False,
                    **self._surroundings(),
                )
            except OSError as error:
                raise MissingServerError(f"{command[0]}: {error.strerror}") from None
            told.seek(0)
            text = told.read()
        if done.returncode != 0:
            raise MissingServerError(f"{os.path.basename(command[0])} ended with {done.returncode}: {text.strip()}")
        return text

    def _surroundings(self) -> dict[str, Any]:
        """Return where and as whom programs run; what libpq reads from our environment is not for them."""
        environment = {"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C"}
        return {"cwd": self.folder, "env": environment}


class OwnServer(Server):
    """A server of our own, which may be stopped and started again."""

    def __init__(self, servers: Servers, folder: Path, primary: OwnServer | None = None) -> None:
        super().__init__({"host": str(folder), "port": PORT, "user": SUPERUSER, "dbname": "postgres"})
        self._servers = servers
        self._data = folder / "data"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_BYTES:
            raise MissingServerError(f"{folder}: too long for a socket: set TMPDIR to a shorter folder")
        servers.run_command("mkdir", str(folder))
        if primary is None:
            servers.run_command("cp", "-r", str(servers.template()), str(self._data))
        else:
            source = [f"--host={primary.admin.parameters()['host']}", f"--port={PORT}", f"--username={SUPERUSER}"]
            servers.run("pg_basebackup", *source, f"--pgdata={self._data}", *_STANDBY)
        self.configure(**SETTINGS, unix_socket_directories=str(folder))

    @property
    def log(self) -> str:
        """Return what the server has logged."""
        return (self._data.parent / "log").read_text(encoding="utf-8", errors="replace")

    def configure(self, **settings: str) -> None:
        """Write settings into postgresql.conf; the last one of a name counts, from the next start or `reload` on."""
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            for name, value in settings.items():
                doubled = value.replace("'", "''")
                file.write(f"{name} = '{doubled}'\n")

    def admit(self, *rules: str) -> None:
        """Write the rules of pg_hba.conf in place of those there are, from the next start or `reload` on."""
        (self._data / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules), encoding="utf-8")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._control("start", "-w", "-l", str(self._data.parent / "log"))

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` is a crash, `fast` ends connections first, `smart` waits for them."""
        self._control("stop", "-w", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop the server and start it again. After a crash it may lack what was committed last, by our settings."""
        self.stop(mode)
        self.start()

    def runs(self) -> bool:
        """Return whether the server runs."""
        return (self._data / "postmaster.pid").exists()

    def reload(self) -> None:
        """Have the server read its files again; it does so soon, not at once."""
        self._control("reload")

    def _control(self, command: str, *arguments: str) -> None:
        self._servers.run("pg_ctl", command, "-D", str(self._data), *arguments)


def find_programs() -> Path:
    """Return the folder with the newest PostgreSQL of this machine. Raises MissingServerError if there is none."""
    found = [path.parent for path in Path("/").glob(INSTALLED)]
    if found:
        return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))])
    on_path = shutil.which("initdb")
    if on_path is None:
        raise MissingServerError(f"no PostgreSQL is installed here (Debian: postgresql), and {VARIABLE} names none")
    return Path(on_path).resolve().parent


def why_missing() -> str:
    """Return why no server can be had here, or nothing if one seems to be."""
    try:
        if not os.environ.get(VARIABLE):
            find_programs()
    except MissingServerError as error:
        return str(error)
    return ""


def named_server(named: str) -> tuple[Server, dict[str, str]]:
    """Return the server that `OPS_CHECKS_TEST_POSTGRES` names, and what must stand in the environment for it.

    That is its password: what a test hands to a command or shows must have none. Raises psycopg.Error.
    """
    from psycopg.conninfo import conninfo_to_dict

    parameters = {name: str(value) for name, value in conninfo_to_dict(named).items()}
    password = parameters.pop("password", None)
    return Server({"dbname": "postgres", **parameters}), {} if password is None else {"PGPASSWORD": password}
