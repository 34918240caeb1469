"""What a file is, by its first bytes, and what a write does that the guard has let through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops_checks.errors import UsageError, WriteError
from ops_checks.files.new_file import create_file
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard, is_own_kind
from ops_checks.formats import FORMATS

ROOT = Path(__file__).parents[2]
JSON = FORMATS["json"].begins


@pytest.mark.parametrize(
    ("name", "head", "own"),
    [
        ("json", b'{"schema_version":"2.7","tool":{"name":"ops-checks","version":"9"}}', True),
        ("json", b'\n{\t"schema_version" : "1.0", "tool": {"name": "ops-checks"', True),
        ("json", b'{"schema_version": "1.0", "tool": {"name": "another"', False),
        ("json", b'{"schema_version": 3}', False),
        ("json", b"{}", False),
        ("json", b"{", True),
        ("json", b" \n", True),
        ("json", b"SQLite format 3\0", False),
        ("json", b"| id | status |", False),
        ("gitlab", b"[]\n", True),
        ("gitlab", rb'[{"description": "a \"b\" \\", "check_name": "c"}]', True),
        ("gitlab", b'[{"check_name": "ruff", "description": "d"}]', True),
        ("gitlab", b'[{"description": "mine"}]', False),
        ("gitlab", b"[1]", False),
        ("junit", b'<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">', True),
        ("junit", b"<testsuite>", True),
        ("junit", b'<?xml version="1.0" encoding="UTF-8"?>\n<project>', False),
        ("sarif", b'{"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json"', True),
        ("sarif", b'{"$schema": "https://json.schemastore.org/package.json"}', False),
        ("sarif", b'{"version": "2.1.0"}', False),
        ("openmetrics", b"# HELP ops_checks_verdict", True),
        ("openmetrics", b"# HELP node_load1 1m load average.\n", False),
        ("openmetrics", b"# Help\n", False),
    ],
)
def test_kinds(name: str, head: bytes, own: bool):  # noqa: FBT001 - a column of the table
    """A document is known by how it begins, however it is indented; what is only like it is something else."""
    assert is_own_kind(head, FORMATS[name].begins, whole=True) is own


def test_a_file_that_goes_on_was_not_cut_short():
    """A beginning that would do for a file that was cut short does not where more follows."""
    assert not is_own_kind(b"{" + b" " * 511, JSON, whole=False)
    assert is_own_kind(b'[{"description": "' + b"x" * 494 + b"\\", FORMATS["gitlab"].begins, whole=False)


def test_hostile_heads_are_decided_at_once():
    """No head makes the comparison go through it again and again."""
    for unit in (b"\\", b"/sarif", b'\\"', b"a"):
        is_own_kind((b'{"$schema": "' + unit * 512)[:512], FORMATS["sarif"].begins, whole=False)


class Late(OutputGuard):
    """A guard whose first look came too early: it saw what was there before."""

    def __init__(self, *seen: os.stat_result | None) -> None:
        super().__init__(list)
        self._seen = [*seen]

    def look(self, output: Output) -> os.stat_result | None:
        """Return what was seen first, then what is."""
        return self._seen.pop() if self._seen else super().look(output)


def test_a_document_that_appeared_meanwhile_is_looked_at(tmp_path: Path):
    """A new report replaces nothing: what has appeared under its name is kept unless it may be replaced."""
    path = tmp_path / "report.json"
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="holds something else"):
        write_output(Output("-f", str(path), JSON), "new", Late(None))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.json", b"mine")]


def test_a_summary_that_appeared_meanwhile_is_appended_to(tmp_path: Path):
    """Two jobs that begin one summary at the same time both stand in it."""
    path = tmp_path / "summary.md"
    path.write_bytes(b"first\n")
    write_output(Output("-f", str(path)), "second\n", Late(None))
    assert path.read_bytes() == b"first\nsecond\n"


@pytest.mark.parametrize("begins", [(), JSON])
def test_a_file_that_was_swapped_meanwhile_is_kept(tmp_path: Path, begins: tuple[str, ...]):
    """What stands under the name now is not what the guard has seen: it is looked at again, or kept."""
    path, other = tmp_path / "out", tmp_path / "other"
    path.touch()
    seen = path.stat()
    other.write_bytes(b"mine")
    other.rename(path)
    guard = Late(seen)
    guard._inputs = lambda: [str(path)]
    with pytest.raises(UsageError if not begins else WriteError):
        write_output(Output("-f", str(path), begins), "new", guard)
    assert path.read_bytes() == b"mine"


def test_a_name_that_never_stands_still_is_an_error(tmp_path: Path):
    """A name that appears and goes at each look is given up, with an error."""
    path = tmp_path / "out"
    path.touch()
    with pytest.raises(WriteError, match="another program changes what stands there"):
        write_output(Output("-f", str(path)), "new", Late(*[None] * 20))
    assert path.read_bytes() == b""


def test_a_new_file_replaces_nothing(tmp_path: Path):
    """A file that exists is kept; a symlink that leads nowhere stays, and the file is made where it leads to."""
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    made = [create_file(str(tmp_path / name), b"new") for name in ("there", "link", "fresh")]
    assert made == [False, True, True]
    assert (tmp_path / "link").is_symlink()
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert content == {"there": b"old", "link": b"new", "target": b"new", "fresh": b"new"}


@pytest.mark.needs("strace")
@pytest.mark.parametrize(
    ("calls", "made", "left"),
    [
        (("link,linkat:error=EPERM",), [True, False], {"new": b"new", "there": b"old"}),
        (("link,linkat:error=EPERM", "rename,renameat,renameat2:error=EIO"), [], {"there": b"old"}),
        (("link,linkat:error=EIO",), [], {"there": b"old"}),
        (("fsync:error=EIO",), [], {"there": b"old"}),
        (("write:error=ENOSPC",), [], {"there": b"old"}),
    ],
)
def test_file_systems_that_fail(tmp_path: Path, calls: tuple[str, ...], made: list[bool], left: dict[str, bytes]):
    """Where there are no hard links a new file replaces nothing either; what fails leaves no file of any name."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "there").write_bytes(b"old")
    code = (
        "import os, sys\nfrom ops_checks.errors import WriteError\n"
        "from ops_checks.files.new_file import create_file\nfound = []\n"
        "try:\n  for name in ('new', 'there'):\n    found.append(create_file(name, b'new'))\n"
        "except WriteError:\n  pass\nsys.exit(sum(2 ** n for n, made in enumerate(found) if made) + 8 * len(found))"
    )
    inject = [word for call in calls for word in ("-e", f"inject={call}")]
    done = subprocess.run(
        ["strace", "-f", "-o", str(tmp_path / "trace"), *inject, sys.executable, "-B", "-c", code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == sum(2**number for number, each in enumerate(made) if each) + 8 * len(made), done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == left
