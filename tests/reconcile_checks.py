"""What the published JSON of the reconciliation must be, whoever made it; and a project to make it in."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from builders import aged, item, make_database, make_markdown
from jsonschema import Draft202012Validator

from ops_checks.cli.commands.schema import SCHEMAS

QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
ITEMS = [item("ORCH-1"), item("ORCH-2"), item("ORCH-3")]
#: By what a document says it is, the name under which its schema is printed.
_NAMES = {"ops-checks/reconcile-plan/1": "plan", "ops-checks/reconcile-result/1": "result"}


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads(SCHEMAS[name]())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_published(data: dict[str, Any]) -> dict[str, Any]:
    """Assert that a document follows the schema that it names, and return it."""
    error = next(_validator(_NAMES[data["schema"]]).iter_errors(data), None)
    assert error is None, f"{error.json_path}: {error.message}"
    return data


def lay_down(folder: Path) -> Path:
    """Make a project in a folder whose queues agree on three items."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS)
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")
    return folder


def edit(project: Path, old: str, new: str) -> None:
    """Change the document by hand."""
    path = project / QUEUE
    path.write_text(path.read_text().replace(old, new))
    aged(path)


def everything(folder: Path) -> dict[str, object]:
    """Return what stands in a folder, to the byte and the moment of its last change; lock files too."""
    found = {}
    for root, _, names in os.walk(folder):
        for path in (Path(root, name) for name in names):
            found[str(path)] = (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
    return found
