"""The gate between a task queue that people edit in Markdown and the same queue in SQLite.

The names below are the Python interface. They are looked up when they are first used, so that
`import ops_checks` costs a command nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = [
    "Item",
    "OpsError",
    "Report",
    "Stamp",
    "cancel",
    "compare",
    "load_policy",
    "open_queue",
    "replan",
    "resolve",
    "retry",
    "run_gate",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.errors import OpsError
    from ops_checks.gate import compare
    from ops_checks.gate.run import run_gate
    from ops_checks.model import Item
    from ops_checks.operations import Stamp, cancel, replan, retry
    from ops_checks.policy import load_policy
    from ops_checks.queues import open_queue
    from ops_checks.report import Report
    from ops_checks.settings import resolve

_HOMES = {
    "Item": "model",
    "OpsError": "errors",
    "Report": "report",
    "Stamp": "operations",
    "cancel": "operations",
    "compare": "gate",
    "load_policy": "policy",
    "open_queue": "queues",
    "replan": "operations",
    "resolve": "settings",
    "retry": "operations",
    "run_gate": "gate.run",
}


def __getattr__(name: str) -> object:
    """Import a name of the interface from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
