"""What the commands of an incident import: each module that is not needed makes all of them slower."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from builders import item, make_database, make_markdown

import ops_checks

#: What takes longer to import than a small queue takes to be read, or is for other arguments.
DEAR = (
    "argparse", "contextlib", "dataclasses", "datetime", "enum", "json", "re", "typing", "ops_checks.selection",
    "ops_checks.stores.unknown_item", "ops_checks.runlog.line_reader",
)  # fmt: skip
#: What reads a document, what reads a database, and what changes either.
DOCUMENTS, DATABASES = ("ops_checks.stores.markdown.table",), ("sqlite3", "ops_checks.stores.relational.snapshot")
CHANGES = ("ops_checks.stores.changes", "ops_checks.stores.sqlite.writing", "ops_checks.stores.sqlite.rows")
#: What takes as long as a run log of a million lines.
UNNEEDED = (
    "typing_extensions", "inspect", "hashlib", "ops_checks.gate.last_agreement", "ops_checks.rules.drift.inline",
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "dear"),
    [
        (("status",), (*DEAR, *DATABASES, *CHANGES)),
        (("--db", "queue.db", "status"), (*DEAR, *DOCUMENTS, *CHANGES)),
        (("show", "ORCH-1"), DEAR),
        (
            ("kpi", "--db", "queue.db", "--log-path", "runs.jsonl"),
            (*UNNEEDED, *DOCUMENTS, "ops_checks.runlog.error_fingerprint"),
        ),
        (("check", "--only", "kpi", "--log-path", "runs.jsonl"), UNNEEDED),
    ],
)
def test_nothing_dear_is_imported(tmp_path: Path, words: tuple[str, ...], dear: tuple[str, ...]) -> None:
    """A command starts without the modules that only other commands, or other queues, need."""
    (tmp_path / "automation/orchestrator/db").mkdir(parents=True)
    make_markdown(tmp_path / "automation/orchestrator/QUEUE.md", [item("ORCH-1")])
    make_database(tmp_path / "automation/orchestrator/db/queue.db", [item("ORCH-1")])
    make_database(tmp_path / "queue.db", [item("ORCH-1")])
    record = {"event": "run_end", "command": "fail", "exit_code": 0, "duration_ms": 9, "error": "no /such/file"}
    (tmp_path / "runs.jsonl").write_text(json.dumps(record) + "\n")
    code = (
        "import sys; sys.path[:0] = sys.argv.pop(1).split(); from ops_checks.cli import main; main(sys.argv[1:]); "
        f"print(*sorted(set(sys.modules) & set({dear!r})), file=sys.stderr)"
    )
    roots = " ".join(str(Path(module.__file__ or "").parent.parent) for module in (ops_checks, msgspec))
    done = subprocess.run(  # -S: what a site's .pth files import is not ours
        [sys.executable, "-I", "-S", "-c", code, roots, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""


LOADED = """
import sys, threading
sys.path[:0] = sys.argv[1].split()
from ops_checks.cli.command import load_command
if sys.argv[2] == "beside":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
load_command("kpi")
print("typing_extensions" in sys.modules)
import typing_extensions
"""


@pytest.mark.parametrize(("threads", "loaded"), [("alone", "False"), ("beside", "True")])
def test_what_is_not_needed_is_hidden_from_nobody(threads: str, loaded: str) -> None:
    """The module that msgspec can do without is not loaded for it, and is there for others, other threads included."""
    roots = " ".join(str(Path(module.__file__ or "").parent.parent) for module in (ops_checks, msgspec))
    command = [sys.executable, "-I", "-S", "-c", LOADED, roots, threads]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{loaded}\n"
