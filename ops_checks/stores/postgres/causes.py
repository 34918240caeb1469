"""Why PostgreSQL failed, and what to do: one row a cause. No message shows a password or a connection string."""

from __future__ import annotations

import os
import re
import stat

import psycopg

from ops_checks.errors import InputError, LockedError, OpsError, ReadOnlyError, WriteError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What libpq says before the reason: the server it tried, which is not shown, as people know it by the database's name.
_BEFORE = re.compile(r".*(?:failed|FATAL|is bad):\s+")
#: Names of hosts, users and databases, in the quotation marks of the server's language.
_NAMED = re.compile(r"\"[^\"]*\"|'[^']*'|«[^»]*»|»[^«]*«|„[^“”]*[“”]|“[^”]*”")


class Failure:
    """A failure of the database of this `name`: the server's `code` (empty for libpq's own) and the `reason`."""

    __slots__ = ("code", "name", "reason", "writing")

    def __init__(self, name: str, error: BaseException, *, writing: bool) -> None:
        self.name = name
        self.writing = writing
        self.code = (isinstance(error, psycopg.Error) and error.sqlstate) or ""
        self.reason = visible(_reason(error))


def translate(name: str, error: BaseException, *, writing: bool) -> OpsError:
    """Return the error that a user sees in place of the driver's: a WriteError if `writing`, else an InputError."""
    failure = Failure(name, error, writing=writing)
    say = next((say for applies, say in _CAUSES if applies(failure)), _unknown)
    if writing:
        kind: type[OpsError] = ReadOnlyError if say in (_read_only, _standby) else WriteError
    else:
        kind = LockedError if say is _locked else InputError
    return kind(f"{visible(name)}: {say(failure)}")


def _reason(error: BaseException) -> str:
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    lines = str(error).strip().split("\n")
    told = next((line for line in lines if _BEFORE.match(line)), lines[0])
    return _NAMED.sub("…", _BEFORE.sub("", told))


def _code(*codes: str) -> Callable[[Failure], bool]:
    """Return whether a failure has one of these codes, or is of one of these classes of them."""
    return lambda failure: failure.code.startswith(codes)


def _saying(*words: str) -> Callable[[Failure], bool]:
    return lambda failure: any(each in failure.reason for each in words)


def _nothing(failure: Failure) -> str:
    return "nothing was written" if failure.writing else "cannot be read"


def _unknown(failure: Failure) -> str:
    return f"{_nothing(failure)} ({failure.reason}): look into the server's log"


def _locked(_failure: Failure) -> str:
    return "locked by another program: wait for it (pg_stat_activity names it), or give --lock-timeout more seconds"


def _standing_by(failure: Failure) -> bool:
    return failure.code == "25006" and "recovery" in failure.reason


def _rights(failure: Failure) -> str:
    needed = "what an operator has in `ops-checks help postgres`" if failure.writing else "SELECT"
    return f"{_nothing(failure)}, because this user lacks a right ({failure.reason}): it needs {needed}: ask its owner"


def _read_only(failure: Failure) -> str:
    return f"not written, because this connection only reads ({failure.reason}): run this as who may write it"


def _standby(_failure: Failure) -> str:
    return "not written, because the server is a standby, which only reads: name the primary with --db"


def _password(failure: Failure) -> str:
    ignored = _ignored_password_file()
    if ignored:
        return f"the server refuses this user ({failure.reason}); {ignored}"
    return (
        f"the server refuses this user ({failure.reason}): check the user's name and the password that libpq finds "
        "(PGPASSFILE, ~/.pgpass, the service file)"
    )


def _ignored_password_file() -> str:
    """Return what is wrong with the password file that libpq ignores with a warning only; empty for none."""
    path = os.environ.get("PGPASSFILE") or os.path.join(os.path.expanduser("~"), ".pgpass")
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ""
    return f"libpq ignores {visible(path)}, because others may read it: `chmod 600` it"


def _not_allowed(failure: Failure) -> str:
    return f"not let in from here ({failure.reason}): see its pg_hba.conf, and sslmode for TLS"


def _encryption(failure: Failure) -> str:
    return f"no encrypted connection ({failure.reason}): see libpq's sslmode and sslrootcert"


def _no_service(failure: Failure) -> str:
    return (
        f"libpq knows no such service ({failure.reason}): name one of ~/.pg_service.conf, or of the file that "
        "PGSERVICEFILE names"
    )


def _unreachable(failure: Failure) -> str:
    return f"the server cannot be reached ({failure.reason}): check host and port, and whether it runs"


def _no_database(_failure: Failure) -> str:
    return "the server has no such database: name the queue's database with --db"


def _gone(failure: Failure) -> str:
    return f"{_nothing(failure)}, because the server ended the connection ({failure.reason}): run this again"


def _full(failure: Failure) -> str:
    return f"{_nothing(failure)}, because the server is full ({failure.reason}): make room, then run this again"


def _crowded(failure: Failure) -> str:
    return f"{_nothing(failure)}, because the server takes no more connections ({failure.reason}): run this again later"


def _damaged(failure: Failure) -> str:
    return f"{_nothing(failure)}, because the server found damage ({failure.reason}): see its log"


def _encoding(failure: Failure) -> str:
    return (
        f"{_nothing(failure)}, because the database's encoding cannot hold or show a text ({failure.reason}): expected "
        "a database with the encoding UTF8"
    )


def _constraint(failure: Failure) -> str:
    return f"not written, because a constraint or trigger of the queue's tables forbids it ({failure.reason})"


def _slow(failure: Failure) -> str:
    return f"{_nothing(failure)}, because a statement took too long ({failure.reason}): look for locks and triggers"


#: Every cause that is known, the surer ones first.
_CAUSES: tuple[tuple[Callable[[Failure], bool], Callable[[Failure], str]], ...] = (
    (_code("55P03", "40P01", "40001"), _locked),
    (_standing_by, _standby),
    (_code("25006"), _read_only),
    (_code("42501"), _rights),
    (_code("28"), _password),
    (_code("3D000"), _no_database),
    (_code("57014"), _slow),
    (_code("57P", "08", "25P03"), _gone),
    (_code("53"), _full),
    (_code("XX001", "XX002", "58"), _damaged),
    (_code("22021", "22P05"), _encoding),
    (_code("23", "P0001"), _constraint),
    (_saying("too many ", "connection slots"), _crowded),
    (_saying("codec can't", "cannot contain NUL"), _encoding),
    (_saying("password", "authentication failed", "role …"), _password),
    (_saying("pg_hba.conf"), _not_allowed),
    (_saying("SSL", "certificate", "GSSAPI"), _encryption),
    (_saying("definition of service", "service file"), _no_service),
    (_saying("database … does not exist"), _no_database),
    (_saying("server closed", "connection is closed", "terminating connection", "connection is lost"), _gone),
    (_saying("refused", "No such file", "translate host", "resolve", "timeout expired", "starting up"), _unreachable),
)
