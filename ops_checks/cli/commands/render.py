"""`render`: let the document follow the database, of which it is a view (RECONCILE section 2)."""

from __future__ import annotations

from ops_checks.cli.one_way import one_way
from ops_checks.reconcile.model import TO_MD

COMMAND = one_way(
    TO_MD, "rendered", view=True, help="Let the document follow the database.", example="ops-checks render"
)
