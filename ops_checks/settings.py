"""What a command works with, from its settings (FORMATS section 8).

Each setting comes from the command line, then the environment, then the policy file, then a default. Nobody
below the door asks for a setting again or opens an input twice.
"""

from __future__ import annotations

import os
import time

from ops_checks.context import DB_SIDE, DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE, MARKDOWN_SIDE, MARKS, Context
from ops_checks.policy.search import DEFAULT_POLICY, DefaultPaths, find_policy, in_policy, logs_of, policy_at
from ops_checks.stores.registry import DEFAULT_LOCK_TIMEOUT_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.policy.model import Policy
    from ops_checks.policy.search import Find
    from ops_checks.snapshots.source import SnapshotSource


def resolve(  # noqa: PLR0913 - the settings that a command line can name
    environ: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    *,
    policy_path: str | None = None,
    find: Find = find_policy,
    queue: str | None = None,
    db: str | None = None,
    logs: tuple[str, ...] = (),
    limits: Mapping[str, float] | None = None,
    stale_minutes: int | None = None,
    fields: tuple[str, ...] | None = None,
    engine: str | None = None,
    now_s: float | None = None,
    actor: str | None = None,
    lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
    progress: Callable[[int, int], object] | None = None,
    queues_only: bool = False,
    from_below: bool = True,
    snapshot: str | None = None,
    max_age: str | None = None,
    window_s: int | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Context:
    """Return the context of what the command line names (None or empty: not named), the environment and the policy.

    The policy is `policy`, or the file at `policy_path`, or the one that `find` returns, or the defaults; paths in it
    are relative to its folder, and so are the default paths if that is above the current one. `limits` (greatest
    values allowed, by metric), `stale_minutes`, `fields`, `engine` and the window of the KPIs (`window_s` seconds or
    `since`, and `until`, times as FORMATS section 8 has them) come before its own. `environ` defaults to the process's
    environment, `now_s` to the clock. `queues_only`: a policy that nobody named is not read if it plainly
    says nothing of the queues: that takes longer than `status`, and a misspelled limit must not stop an
    operator.
    `from_below`: without a policy, the project is the nearest folder above that has a queue at a default path.
    `snapshot`: a file that is read in place of database and log, and is at most `max_age` old (FORMATS section 8).
    Raises UsageError for a bad policy or environment.
    """
    source = _snapshot_source(snapshot, max_age, others=bool(db or logs))
    environ = os.environ if environ is None else environ
    named, policy_in_code = policy_path is not None, policy is not None
    policy_path, notes = (policy_path, ()) if named or policy_in_code else find()
    if policy is None:
        policy = policy_at(policy_path, queues_only=queues_only, named=named)
    defaults = DefaultPaths(policy_path, MARKS if from_below and not policy_in_code else ())
    if policy is not None and not queues_only:
        policy = policy.with_limits(limits or {}, stale_minutes=stale_minutes, fields=fields, engine=engine)
        policy = policy.with_window(window_s=window_s, since=since, until=until)
    if not queues_only:
        from ops_checks.policy.unread import unread_notes

        notes = (*notes, *unread_notes(environ, policy, queue, snapshot or db, (snapshot,) if snapshot else logs))
    works_on_db, operate_on = _sides(queue, db, policy)
    named_db = db or environ.get("ORCH_DB_PATH") or in_policy(policy, policy.db if policy else None)
    logs = logs or logs_of(environ, policy) or (defaults.path(DEFAULT_LOG),)
    if source is not None:
        notes = (*notes, *source.in_place_of(environ, (named_db or defaults.path(DEFAULT_DB), *logs)))
        named_db, logs = source.path, (source.path,)
    context = Context(
        environ,
        policy,
        queue=queue
        or environ.get("ORCH_QUEUE_MD")
        or in_policy(policy, policy.queue if policy else None)
        or defaults.path(DEFAULT_QUEUE),
        db=named_db or defaults.path(DEFAULT_DB),
        db_named=bool(named_db),
        logs=logs,
        now_s=time.time() if now_s is None else now_s,
        lock_timeout_s=lock_timeout_s,
        progress=progress,
        actor=actor,
        works_on_db=works_on_db,
        operate_on=operate_on,
        notes=(*notes, *defaults.notes),
        policy_in_code=policy_in_code,
        policy_named=named or policy_in_code,
        policy_path=policy_path or (policy and policy.path) or DEFAULT_POLICY,
        looked=defaults.looked,
        snapshot=source,
    )
    if source is not None:
        source.check_age_option(context.now_s, context.zone)
    return context


def _snapshot_source(path: str | None, max_age: str | None, *, others: bool) -> SnapshotSource | None:
    """Return what reads a snapshot, None where none is named. Raises UsageError for what does not go together."""
    if path is None and max_age is None:
        return None
    from ops_checks.snapshots.source import snapshot_source

    return snapshot_source(path, max_age, others=others)


def _sides(queue: str | None, db: str | None, policy: Policy | None) -> tuple[bool, str]:
    """Return whether commands work on the database, and what they change: what is named, else the policy's sides."""
    works_on_db = bool(db) or (not queue and policy is not None and policy.source_of_truth == DB_SIDE)
    by_policy = None if db or queue or policy is None else policy.operate_on
    return works_on_db, by_policy or (DB_SIDE if works_on_db else MARKDOWN_SIDE)
