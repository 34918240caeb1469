"""What is built and installed is whole, and no command imports what it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from builders import item, make_database, make_markdown

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_licence_metadata_and_data(built: Path) -> None:
    """The wheel has the licence file, the project's metadata, and every file of the package."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(info).decode())
    assert any(name.endswith("LICENSE") and ".dist-info/" in name for name in names)
    assert (metadata["Name"], metadata["License-Expression"]) == ("ops-checks", "MIT")
    assert all(metadata[name] for name in ("Summary", "Author", "Requires-Python", "Keywords", "Classifier"))
    package = ROOT / "ops_checks"
    files = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files <= names


def _build(tree: Path, folder: Path, **environ: str) -> Path:
    """Return the wheel of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True, env=os.environ | environ)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.needs("compiler")
@pytest.mark.parametrize(
    ("compiler", "tag", "tells"),
    [("cc", "-cp311-abi3-", "native"), ("false", "-py3-none-any", "none"), ("/nowhere/cc -c", "-py3-none-any", "none")],
)
def test_a_wheel_with_and_without_a_compiler(built: Path, tmp_path: Path, compiler: str, tag: str, tells: str) -> None:
    """From the sdist, with a compiler the native scanner is in the wheel, and its tag says so; without, the rest is."""
    subprocess.run(["tar", "-xzf", str(next(built.glob("*.tar.gz"))), "-C", str(tmp_path)], check=True)
    (tree,) = tmp_path.glob("ops_checks-*")
    assert not list(tree.rglob("*.so"))
    wheel = _build(tree, tmp_path / "dist", CC=compiler)
    assert tag in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        info = next(name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
        assert f"Root-Is-Purelib: {'false' if tells == 'native' else 'true'}" in archive.read(info).decode()
    command = [sys.executable, "-c", "from ops_checks.cli import console; console()", "--version"]
    done = subprocess.run(command, cwd=tmp_path / "installed", capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1].startswith(f"run log scanner: {tells}")


@pytest.mark.needs("compiler")
def test_a_scanner_that_lies_in_the_tree_is_in_no_wheel_of_another_build(tmp_path: Path) -> None:
    """What an editable install laid there may be of another version: without a compiler the wheel has none."""
    laid = ROOT / "ops_checks/runlog/_scanner.abi3.so"
    assert laid.is_file()
    with zipfile.ZipFile(_build(ROOT, tmp_path, CC="false")) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".so")]


def test_the_sdist_carries_licence_and_tests(built: Path) -> None:
    """The sdist has the licence, the README, and what is needed to test it."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"ops_checks/LICENSE", "README.md", "pyproject.toml", "ci/test", "tests/conftest.py", "PKG-INFO"} <= names


@pytest.mark.parametrize(
    "argv",
    ["status", "workers --db q.db", "cancel --id A-1 --queue Q.md", "check", "kpi", "consistency-check", "init",
     "schema report", "policy check", "help", "help policy", "--help", "report report.json -f text"],
)  # fmt: skip
def test_no_command_imports_pytest(tmp_path: Path, argv: str) -> None:
    """Pytest is a dependency of the pytest face alone."""
    make_markdown(tmp_path / "Q.md", [item("A-1")])
    make_database(tmp_path / "q.db", [item("A-1")])
    (tmp_path / "ops-checks.yaml").write_text("queue: Q.md\ndb: q.db\nlog: runs.jsonl\n")
    (tmp_path / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n')
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PYTEST"))}

    def run(words: list[str]) -> subprocess.CompletedProcess[str]:
        code = (
            "import sys\nfrom ops_checks.cli import main\n"
            f"code = main({words!r})\n"
            "print('imported', 'pytest' in sys.modules or '_pytest' in sys.modules, code, file=sys.stderr)"
        )
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
        )

    run(["check", "-f", "json=report.json"])
    assert run(argv.split()).stderr.splitlines()[-1] == "imported False 0"


def test_a_consumers_types_are_strict(tmp_path: Path) -> None:
    """A script that uses the Python interface passes mypy --strict."""
    script = tmp_path / "consumer.py"
    script.write_text(
        """
from ops_checks import Item, OpsError, Report, Stamp, cancel, compare, open_queue, resolve, run_gate

md, db = open_queue("QUEUE.md"), open_queue("queue.db")
drift = compare(md, db)
agrees: bool = drift.ok
item: Item | None = db.get("ORCH-1")
ids: list[str] = [each.id for each in md]
kinds: list[str] = [event.event_type for event in db.events("ORCH-1")]
made: Item = Item(id="A", status="DONE", priority="P0", task="t", success_criteria="s")
change = md.change("ORCH-1", cancel(Stamp(actor="me", now_s=0.0, tz_minutes=540)))
after: str = change.after.status
report: Report = run_gate(resolve())
verdicts = {rule.id: rule.verdict.value for rule in report.rules}
messages: list[str] = [finding.message for finding in report.findings]
published: object = report.to_json()
value: float | None = report.rule("failure-rate").value
try:
    run_gate(resolve({}, now_s=1.0), only="kpi")
except OpsError as error:
    print(error.message, error.exit_code)
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file", os.devnull, str(script)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
