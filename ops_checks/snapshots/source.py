"""The snapshot that a context reads in place of database and run log: read once, and never an old one."""

from __future__ import annotations

from ops_checks.errors import InputError, OpsError, UsageError
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_there, located
from ops_checks.timestamps import duration_text, moment, queue_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.snapshots.reading import SnapshotRead
    from ops_checks.timestamps import Zone

DEFAULT_MAX_AGE = "1h"
#: Seconds that a snapshot may come from the future, for clocks differ.
_MOST_AHEAD_S = 60


def snapshot_source(path: str | None, max_age: str | None, *, others: bool) -> SnapshotSource:
    """Return what reads a snapshot. Raises UsageError without one, and where `others` are named in its place."""
    if path is None:
        raise UsageError("--max-age is the age of a snapshot: name that with --snapshot")
    if others:
        raise UsageError("a snapshot is read in place of database and run log: name either the snapshot, or those")
    return SnapshotSource(path, max_age)


class SnapshotSource:
    """The snapshot file at a path, whose state may be as old as `max_age` says (a time as FORMATS section 8 has it).

    `notes` are what a reader of the report should know of it: how old it is, and what was found of rows beside it.
    """

    __slots__ = ("_error", "_max_age", "_read", "notes", "path")

    def __init__(self, path: str, max_age: str | None) -> None:
        self.path = path
        self.notes: list[str] = []
        self._max_age = max_age or DEFAULT_MAX_AGE
        self._read: SnapshotRead | None = None
        self._error: OpsError | None = None

    def in_place_of(self, environ: Mapping[str, str], others: Iterable[str]) -> tuple[str, ...]:
        """Return a note on the locations that would be read without it, as far as they are there or set around us."""
        named = {environ.get("ORCH_DB_PATH"), environ.get("ORCH_LOG_PATH")}
        there = ", ".join(visible(located(other)) for other in others if other in named or is_there(other))
        return (f"{visible(self.path)} is read in place of database and run log: {there}",) if there else ()

    def check_age_option(self, now_s: float, zone: Zone) -> None:
        """Raise UsageError for an age that is no time, or that no snapshot can have."""
        oldest_s = moment(self._max_age.strip(), now_s, zone)
        if oldest_s is None or oldest_s > now_s:
            raise UsageError(
                f"--max-age {self._max_age!a}: expected 90s, 15m, 2h, 7d, or a time that is past: HH:MM, YYYY-MM-DD, "
                "YYYY-MM-DD HH:MM"
            )

    def read(self, now_s: float, zone: Zone) -> SnapshotRead:
        """Return the snapshot. Raises InputError for what is none, for one that is too old, and for one of tomorrow."""
        from ops_checks.snapshots.reading import read_snapshot

        if self._error is not None:
            raise self._error
        if self._read is None:
            try:
                self._read = read_snapshot(self.path)
            except OpsError as error:
                self._error = error
                raise
        self._must_be_of_now(self._read.head.made_ms / 1000, now_s, zone)
        self.note(self._age_note(self._read, now_s, zone))
        return self._read

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _age_note(self, read: SnapshotRead, now_s: float, zone: Zone) -> str:
        made_s = read.head.made_ms / 1000
        age = duration_text(max(0.0, now_s - made_s))
        return f"{visible(self.path)}: a snapshot made {age} ago, {queue_time(made_s, zone)}"

    def _must_be_of_now(self, made_s: float, now_s: float, zone: Zone) -> None:
        name, made = visible(self.path), queue_time(made_s, zone)
        if made_s - now_s > _MOST_AHEAD_S:
            raise InputError(
                f"{name}: made at {made}, {duration_text(made_s - now_s)} ahead of this machine's clock: set the clock "
                "that is wrong, then make it again with `ops-checks snapshot -o FILE` where the database is"
            )
        oldest_s = moment(self._max_age.strip(), now_s, zone)
        if oldest_s is None or made_s < oldest_s:
            raise InputError(
                f"{name}: made {duration_text(now_s - made_s)} ago, {made}, older than --max-age {self._max_age}: it "
                "may say nothing of now: make it again with `ops-checks snapshot -o FILE` where the database is"
            )
