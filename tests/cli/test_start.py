"""What the commands of an incident import: each module that is not needed makes all of them slower."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from builders import item, make_database, make_markdown

import ops_checks

#: What takes longer to import than a small queue takes to be read, or is for other arguments.
DEAR = (
    "argparse", "contextlib", "dataclasses", "datetime", "enum", "json", "re", "typing", "ops_checks.selection",
    "ops_checks.stores.unknown_item", "ops_checks.runlog.line_reader",
)  # fmt: skip


@pytest.mark.parametrize("words", [("status",), ("--db", "queue.db", "status"), ("show", "ORCH-1")])
def test_nothing_dear_is_imported(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Items are shown without the modules that only other commands, or other queues, need."""
    (tmp_path / "automation/orchestrator/db").mkdir(parents=True)
    make_markdown(tmp_path / "automation/orchestrator/QUEUE.md", [item("ORCH-1")])
    make_database(tmp_path / "automation/orchestrator/db/queue.db", [item("ORCH-1")])
    make_database(tmp_path / "queue.db", [item("ORCH-1")])
    code = (
        "import sys; sys.path[:0] = sys.argv.pop(1).split(); from ops_checks.cli import main; main(sys.argv[1:]); "
        f"print(*sorted(set(sys.modules) & set({DEAR!r})), file=sys.stderr)"
    )
    root = str(Path(ops_checks.__file__).parent.parent)
    done = subprocess.run(  # -S: what a site's .pth files import is not ours
        [sys.executable, "-I", "-S", "-c", code, root, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""
