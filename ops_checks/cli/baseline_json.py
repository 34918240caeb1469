"""What `baseline` recorded, shows or exported, as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile.model import Options, Situation
from ops_checks.reconcile.plan_json import plan_json

if TYPE_CHECKING:
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import Plan
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.baseline import Baseline, Counts

BASELINE_RESULT_SCHEMA = "ops-checks/baseline-result/1"


def baseline_result_json(
    action: str, name: str | None, agreed: int, unagreed: int, baseline: Baseline | None = None, **more: object
) -> dict[str, Any]:
    """Return what an action found of the baseline of a name (None: there is none); `more` are keys of that action."""
    known = baseline._asdict() if baseline is not None else {}
    return {
        "schema": BASELINE_RESULT_SCHEMA,
        "action": action,
        "baseline": None if name is None else {"id": name, **known},
        "agreed": agreed,
        "unagreed": unagreed,
        **more,
    }


def recorded_json(
    baseline: Baseline, counts: Counts, plan: Plan, reading: Reading, context: Context, blames: Blames
) -> dict[str, Any]:
    """Return a baseline that was recorded, and what is not agreed: whole, as `drift` would have it."""
    situation = Situation(context.now_s)
    data = plan_json(
        plan, reading, Options(), situation, blames, paths=(context.queue, context.db), actor="", made_at=""
    )
    differences = {name: data[name] for name in ("actions", "needs")}
    return baseline_result_json("record", baseline.name, counts.agreed, counts.unagreed, baseline, **differences)
