"""`import`: let the database follow the document (RECONCILE section 2)."""  # noqa: N999 - the name of the command

from __future__ import annotations

from ops_checks.cli.one_way import one_way
from ops_checks.reconcile.model import TO_DB

COMMAND = one_way(
    TO_DB, "imported", view=False, help="Let the database follow the document.", example="ops-checks import"
)
