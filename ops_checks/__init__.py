"""The gate between a task queue that people edit in Markdown and the same queue in a database.

The names below are the Python interface. They are looked up when they are first used, so that
`import ops_checks` costs a command nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.errors import ChangingError, InputError, OpsError, RefusedError, UsageError, WriteError
    from ops_checks.findings import Finding, Verdict
    from ops_checks.gate.run import run_gate
    from ops_checks.gate.stable_reading import compare
    from ops_checks.model import Item
    from ops_checks.policy.loader import load_policy
    from ops_checks.report.model import Report
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.own.context import RuleContext, RuleEvent, RuleRun
    from ops_checks.settings import resolve
    from ops_checks.stores.registry import open_queue
    from ops_checks.transitions import Stamp, cancel, replan, retry

#: Every name of the interface, and the module that defines it.
_MODULES = {
    "ChangingError": "errors",
    "Context": "context",
    "Drift": "rules.drift.drift",
    "Finding": "findings",
    "InputError": "errors",
    "Item": "model",
    "OpsError": "errors",
    "RefusedError": "errors",
    "Report": "report.model",
    "RuleContext": "rules.own.context",
    "RuleEvent": "rules.own.context",
    "RuleRun": "rules.own.context",
    "Stamp": "transitions",
    "UsageError": "errors",
    "Verdict": "findings",
    "WriteError": "errors",
    "cancel": "transitions",
    "compare": "gate.stable_reading",
    "load_policy": "policy.loader",
    "open_queue": "stores.registry",
    "replan": "transitions",
    "resolve": "settings",
    "retry": "transitions",
    "run_gate": "gate.run",
}

__all__ = [
    "ChangingError",
    "Context",
    "Drift",
    "Finding",
    "InputError",
    "Item",
    "OpsError",
    "RefusedError",
    "Report",
    "RuleContext",
    "RuleEvent",
    "RuleRun",
    "Stamp",
    "UsageError",
    "Verdict",
    "WriteError",
    "cancel",
    "compare",
    "load_policy",
    "open_queue",
    "replan",
    "resolve",
    "retry",
    "run_gate",
]


def __getattr__(name: str) -> object:
    """Import a name of the interface from the module that defines it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
