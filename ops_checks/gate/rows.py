"""Read the rows of one queue for the rules of the group `queue`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.gate.inputs import Evidence, keep_for, store_read
from ops_checks.gate.stable_reading import must_be_read_whole, read_stable
from ops_checks.rules.queue.judgement import judge_rows
from ops_checks.rules.queue.rows import RowSettings
from ops_checks.rules.queue.rules import ROW_CHECKS
from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.report.model import InputRead
    from ops_checks.rules.queue.judgement import RowFindings
    from ops_checks.stores.protocol import Snapshot


def read_rows(context: Context, asked: Asked) -> Evidence:
    """Judge the rows of the queue that KPIs are read from, or of the document where that is all there is.

    A rule that needs what a document does not say is left out there, with a remark. Raises InputError for what cannot
    be read.
    """
    wanted = {rule.id for rule in asked.rules}
    checks = [check for check in ROW_CHECKS if check.rule.id in wanted]
    of_document = asked.document or not context.has_database
    store = context.md_store if of_document else context.db_store
    left_out = {check.rule.id for check in checks if check.of_database and of_document}
    checks = [check for check in checks if check.rule.id not in left_out]
    keep = keep_for(context, asked)
    kind = "queue" if of_document else "db"

    def read(snapshot: Snapshot) -> tuple[RowFindings, InputRead]:
        waits = any(check.of_database for check in checks)
        found = judge_rows(snapshot.items(), snapshot.place, checks, _settings(context, snapshot, waits=waits), keep)
        must_be_read_whole(snapshot)
        return found, store_read(kind, store, snapshot, found.items)

    found, was_read = read_stable(store, read)
    remarks = tuple(f"{rule}: needs the queue database, and was not judged" for rule in sorted(left_out))
    return Evidence(found, (was_read,), remarks=remarks, left_out=frozenset(left_out))


def _settings(context: Context, snapshot: Snapshot, *, waits: bool) -> RowSettings:
    policy = context.policy.rows
    settings = RowSettings(context.now_s, context.zone, policy.most_in_progress, policy.most_minutes)
    if not waits:
        return settings
    since = {item_id: start_epoch(text, context.zone) for item_id, text in snapshot.pending_since()}
    return replace(settings, waits=since)
