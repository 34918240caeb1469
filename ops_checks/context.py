"""The context of a command, made once at the door (`settings`): inputs, effective policy, stores, time."""

from __future__ import annotations

import os

from ops_checks.environment import is_markdown_read_only, login_name, queue_zone, retry_backoff_s
from ops_checks.errors import MissingError, OpsError
from ops_checks.policy.search import DEFAULT_POLICY, policy_at
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_there, located, store_kind
from ops_checks.stores.tables import OPERATION
from ops_checks.timestamps import offset_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.policy.model import Policy
    from ops_checks.policy.window import Window
    from ops_checks.rules.known import Known
    from ops_checks.snapshots.source import SnapshotSource
    from ops_checks.stores.protocol import Store
    from ops_checks.stores.registry import StoreKind
    from ops_checks.transitions import Stamp

DEFAULT_QUEUE = "automation/orchestrator/QUEUE.md"
DEFAULT_DB = "automation/orchestrator/db/queue.db"
DEFAULT_LOG = "automation/orchestrator/logs/orch_runs.jsonl"
#: What makes a folder a project where no policy does.
MARKS = (DEFAULT_QUEUE, DEFAULT_DB)
#: What operators' commands change: the document of people, the database of machines, or both.
MARKDOWN_SIDE, DB_SIDE, BOTH_SIDES = "markdown", "db", "both"


class Context:
    """All that a command or a gate run needs to know; build it with `settings.resolve`.

    `queue` and `db` are the locations of both sides (a path, or a URL of a store), `logs` the paths and patterns of
    the run log; `db_named`: somebody named the database, so that it must be there; `works_on_db`: operators' commands
    work on it. `operate_on` (MARKDOWN_SIDE, DB_SIDE or BOTH_SIDES) is what they change, and `operation` the id of what
    this command changes. `zone` is that of the queue's times; `now_s` epoch seconds.
    `source_of_truth` is `markdown` or `db`. `policy` is the effective policy, the command line's limits in it.
    `progress` gets how far a long reading is (bytes so far, bytes in all). `warnings` are remarks on the settings,
    `notes` on where they were found and what is not read. `policy_in_code`: the policy is no file; else `policy_path`
    is where it is or would be; `policy_named`: somebody named it, or made it. `looked`: where a project was looked for
    in vain. `snapshot`: what is read in place of database and log; their locations are then its file. `known`: the
    report whose findings are known, None for none.
    """

    __slots__ = (
        "_actor", "_policy", "_stores", "db", "db_named", "environ", "known", "lock_timeout_s", "logs", "looked",
        "notes", "now_s", "operate_on", "operation", "policy_in_code", "policy_named", "policy_path", "progress",
        "queue", "snapshot", "source_of_truth", "warnings", "works_on_db", "zone",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - by name, from one place
        self,
        environ: Mapping[str, str],
        policy: Policy | None,
        *,
        queue: str,
        db: str,
        db_named: bool,
        logs: tuple[str, ...],
        now_s: float,
        lock_timeout_s: float,
        progress: Callable[[int, int], object] | None,
        actor: str | None,
        works_on_db: bool,
        operate_on: str = MARKDOWN_SIDE,
        notes: tuple[str, ...] = (),
        policy_in_code: bool = False,
        policy_named: bool = True,
        policy_path: str = DEFAULT_POLICY,
        looked: str = "",
        snapshot: SnapshotSource | None = None,
    ) -> None:
        self.environ = environ
        self._policy = policy
        self._actor = actor
        self.works_on_db = works_on_db
        self.operate_on = operate_on
        self.operation = new_operation()
        self.queue, self.db, self.db_named, self.logs = located(queue), located(db), db_named, logs
        self._stores: dict[str, Store] = {}
        self.zone = queue_zone(environ, policy.timezone if policy else None)
        self.source_of_truth = policy.source_of_truth if policy else "markdown"
        self.now_s = now_s
        self.lock_timeout_s = lock_timeout_s
        self.progress = progress
        self.warnings = policy.warnings if policy else ()
        self.notes = notes
        self.policy_in_code = policy_in_code
        self.policy_named = policy_named
        self.policy_path = policy_path
        self.looked = looked
        self.snapshot = snapshot
        self.known: Known | None = None

    def located(self, error: MissingError) -> MissingError:
        """Return the error for a queue that is not there; one at a default path tells where it was looked for."""
        looked = f"; {self.looked}" if self.looked and error.message.startswith(MARKS) else ""
        return MissingError(error.message + looked, error.details)

    @property
    def policy(self) -> Policy:
        """The effective policy; one that plainly says nothing of the queues is read only now. Raises UsageError."""
        if self._policy is None:
            there = os.path.lexists(self.policy_path)
            self._policy = policy_at(self.policy_path if there else None, queues_only=False, named=True)
        if self._policy is None:
            raise AttributeError("there is always a policy: that of the defaults, if no other")
        return self._policy

    @property
    def tz_minutes(self) -> int:
        """The offset of the queue's zone at `now_s`, in minutes east of UTC."""
        return offset_s(self.zone, self.now_s) // 60

    @property
    def timezone(self) -> str | None:
        """The name of the queue's zone in the IANA database, None for an offset that is always the same."""
        return None if isinstance(self.zone, int) else self.zone.name

    @property
    def window(self) -> Window:
        """From when to when runs and retries count. Raises UsageError for a window that cannot hold anything."""
        from ops_checks.policy.window import kpi_window

        return kpi_window(self.policy.kpi, self.now_s, self.zone)

    @property
    def stale_minutes(self) -> int:
        """After how long work is shown as stale: by the policy, which is parsed only where it must and can be."""
        from ops_checks.policy.source import DEFAULT_STALE_MINUTES, plain_stale_minutes, read_policy

        try:
            plain = None if self._policy is not None else plain_stale_minutes(read_policy(self.policy_path))
            minutes = self.policy.kpi.stale_minutes if plain is None else plain
        except OpsError:
            minutes = DEFAULT_STALE_MINUTES
        return minutes

    def without_exceptions(self) -> Context:
        """Return this context with a policy that waives nothing and counts no drift less; the stores are the same."""
        return self.with_policy(self.policy.without_exceptions())

    def with_policy(self, policy: Policy) -> Context:
        """Return this context with another policy; the stores are the same."""
        return self._with(_policy=policy)

    def with_known(self, known: Known) -> Context:
        """Return this context with a report whose findings are known; the stores are the same."""
        return self._with(known=known)

    def at(self, now_s: float) -> Context:
        """Return this context at another time, in epoch seconds; the stores are the same."""
        return self._with(now_s=now_s)

    def with_queues(self, *, queue: str | None = None, db: str | None = None) -> Context:
        """Return this context with one or both of the queues at another location; their stores are opened anew."""
        return self._with(queue=located(queue or self.queue), db=located(db or self.db), _stores={})

    def _with(self, **fields: object) -> Context:
        """Return this context with other values in some of its fields."""
        from copy import copy

        other = copy(self)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    @property
    def stamp(self) -> Stamp:
        """Who changes the queue (by default the login name), and when."""
        from ops_checks.transitions import Stamp

        self._actor = self._actor or login_name()  # asked for once, however many items there are
        return Stamp(actor=self._actor, now_s=self.now_s, tz_minutes=self.tz_minutes, operation=self.operation)

    @property
    def md_store(self) -> Store:
        """The store that people edit."""
        return self._store(self.queue, MARKDOWN)

    @property
    def db_store(self) -> Store:
        """The store that machines work from. Raises InputError where it is a snapshot that cannot be relied on."""
        if self.snapshot is not None:
            return self.snapshot.read(self.now_s, self.zone).store
        return self._store(self.db, SQLITE)

    def _store(self, location: str, default: StoreKind) -> Store:
        """Open a store once; its module is imported only then."""
        if default.name not in self._stores:
            self._stores[default.name] = store_kind(location, default).open(
                location, lock_timeout_s=self.lock_timeout_s, progress=self.progress
            )
        return self._stores[default.name]

    @property
    def working_store(self) -> Store:
        """The store that an operator's command works on: the one that was named, else the source of truth."""
        return self.db_store if self.works_on_db else self.md_store

    @property
    def has_database(self) -> bool:
        """Whether there is a database: one was named, or is at its default."""
        return self.db_named or is_there(self.db)

    @property
    def kpi_store(self) -> Store:
        """The store that KPIs are read from: the database, or Markdown where there is none."""
        return self.db_store if self.has_database else self.md_store

    @property
    def retry_backoff_s(self) -> tuple[int, ...]:
        """The seconds to wait by attempt. Raises UsageError for what is no list of them."""
        return retry_backoff_s(self.environ)

    @property
    def markdown_read_only(self) -> bool:
        """Whether the environment forbids to change the Markdown queue. Raises UsageError if unclear."""
        return is_markdown_read_only(self.environ)


def new_operation() -> str:
    """Return an id by which what one command changes is found again."""
    return f"{OPERATION}{os.urandom(8).hex()}"
