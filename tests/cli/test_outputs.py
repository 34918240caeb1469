"""No output is written over an input, another output, or what is no report: exit 4, and every byte stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import aged, digest, item, make_database, make_markdown
from conftest import Told

from ops_checks.formats import FORMATS

Run = Callable[..., Told]
DOCUMENTS = [name for name in FORMATS if not FORMATS[name].append]
APPENDED = [name for name in FORMATS if FORMATS[name].append]
QUEUE, DB, POLICY = "ops/QUEUE.md", "ops/queue.db", "ops-checks.yaml"
#: Every kind of input, by an example of it.
INPUTS = [
    *(name + suffix for name in (QUEUE, DB) for suffix in ("", "-wal", "-shm", "-journal", ".lock")),
    "logs/runs.jsonl",
    "logs/runs.jsonl.1",
    POLICY,
]


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a folder with all inputs, with a policy that names them, and what leads to them."""
    for name in ("ops", "logs", "sub"):
        (folder / name).mkdir()
    make_markdown(folder / QUEUE, [item("A-1")])
    make_database(folder / DB, [item("A-1")])
    run_end = '{"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 5}\n'
    for name, duration_ms in (("logs/runs.jsonl", 5), ("logs/runs.jsonl.1", 6)):
        (folder / name).write_text(run_end.replace("5", str(duration_ms)) * 20)
    (folder / POLICY).write_text("queue: ops/QUEUE.md\ndb: ops/queue.db\nlog: logs/runs.jsonl*\n")
    return folder


def direct(path: str) -> str:
    """Return the path itself."""
    return path


def not_normalised(path: str) -> str:
    """Return another spelling of a path."""
    return f"sub/..//./{path}"


def absolute(path: str) -> str:
    """Return the path from the root."""
    return str(Path(path).absolute())


def symlink(path: str) -> str:
    """Return a symlink to a symlink to the path."""
    Path("link1").symlink_to(path)
    Path("link2").symlink_to("link1")
    return "link2"


def folder_symlink(path: str) -> str:
    """Return the path by a symlink to its folder."""
    head, name = os.path.split(path)
    Path("sub/folder").symlink_to(Path(head).absolute())
    return f"sub/folder/{name}"


def hard_link(path: str) -> str:
    """Return another name of the same file, or the path itself where there is none."""
    if not Path(path).exists():
        return path
    Path("sub/name").hardlink_to(path)
    return "sub/name"


WAYS = [direct, not_normalised, absolute, symlink, folder_symlink, hard_link]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("kind", INPUTS)
def test_no_format_is_written_over_an_input(
    project: Path,
    run: Run,
    kind: str,
    exists: bool,  # noqa: FBT001 - a column of the table
    way: Callable[[str], str],
) -> None:
    """Whatever the format, the input and the way it is named: a usage error before anything is evaluated."""
    if not exists:
        Path(kind).unlink(missing_ok=True)
        if kind.startswith("logs/"):
            Path(POLICY).write_text(Path(POLICY).read_text().replace("logs/runs.jsonl*", kind))
    elif not Path(kind).exists():
        Path(kind).touch()  # even an empty one
    target = way(kind)
    before = digest(project)
    queues = ("--queue", QUEUE, "--db", DB) if kind == POLICY else ()
    for name in FORMATS:
        done = run("check", *queues, "-f", f"{name}={target}")
        assert (done.code, done.out) == (4, ""), name
        assert done.err.startswith(f"error: --format {name}: {target}"), name
        assert done.err.endswith(" is an input: name another file\n"), name
    assert digest(project) == before


@pytest.mark.parametrize("command", [("kpi",), ("consistency-check",), ("check", "--only", "kpi")])
@pytest.mark.parametrize("target", [QUEUE, DB, POLICY, "logs/runs.jsonl.1"])
def test_what_a_command_does_not_read_is_an_input_too(
    project: Path, run: Run, command: tuple[str, ...], target: str
) -> None:
    """Each command that writes reports keeps all inputs of the gate, those that it does not read as well.

    It writes none of its outputs then, not even those that come first; only the error is where JSON was to be.
    """
    before = digest(project)
    for name in FORMATS:
        done = run(*command, "-f", "text", "-f", "junit=good.xml", "-f", "json=good.json", "-f", f"{name}={target}")
        assert (done.code, done.out) == (4, ""), name
        error = json.loads(Path("good.json").read_text(encoding="utf-8"))
        assert (error["schema"], error["exit_code"]) == ("ops-checks/error/1", 4)
        Path("good.json").unlink()
    assert digest(project) == before


def test_a_policy_that_is_not_there_yet_is_none(project: Path, run: Run) -> None:
    """A report is not made under the name of the policy: the next run would read it as one."""
    Path(POLICY).unlink()
    done = run("check", "--queue", QUEUE, "--db", DB, "-f", f"text={POLICY}")
    assert (done.code, done.err) == (4, f"error: --format text: {POLICY} is an input: name another file\n")
    assert not Path(POLICY).exists()


def test_the_policy_by_name(project: Path, run: Run) -> None:
    """A policy that is named is the input, wherever it lies."""
    Path(POLICY).rename("sub/p.yaml")
    before = digest(project)
    options = ("--policy", "sub/p.yaml", "--queue", QUEUE, "--db", DB)
    assert run("check", *options, "-f", "junit=sub/p.yaml").code == 4
    assert digest(project) == before


def test_beside_a_database_that_is_a_symlink(project: Path, run: Run) -> None:
    """What lies beside a queue lies beside the file that a symlink leads to."""
    Path("sub/q.db").symlink_to("../ops/queue.db")
    done = run("check", "--db", "sub/q.db", "-f", f"text={DB}-wal")
    assert done.code == 4
    assert not Path(f"{DB}-wal").exists()


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(
    "content", [b"mine", b"\0" * 600, b"{}", b"[1]", b'<?xml version="1.0"?><a/>', b"# HELP me\n", b" " * 600 + b"x"]
)
def test_a_document_replaces_no_stranger(project: Path, run: Run, name: str, content: bytes) -> None:
    """A file that holds something else is kept, by its own name and by a symlink."""
    Path("out").write_bytes(content)
    Path("link").symlink_to("out")
    for target in ("out", "link"):
        done = run("check", "-f", f"{name}={target}")
        assert (done.code, done.out) == (4, "")
        assert done.err == (
            f"error: --format {name}: {target} holds something else than such a report, and is kept: "
            "name another file\n"
        )
    assert Path("out").read_bytes() == content


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_replaces_its_own_kind(project: Path, run: Run, name: str) -> None:
    """A report is replaced by the next one, also after its writing was cut short at any byte."""
    assert run("check", "-f", f"{name}=out").code == 0
    whole = Path("out").read_bytes()
    for size in (*range(0, min(len(whole), 520), 23), len(whole) - 1):
        Path("out").write_bytes(whole[:size])
        assert run("check", "-f", f"{name}=out").code == 0, size
        assert len(Path("out").read_bytes()) >= len(whole) - 9, size


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_replaces_no_other_kind(project: Path, run: Run, name: str) -> None:
    """A report of another format is something else."""
    Path("Q").write_text((project / QUEUE).read_text().replace("A-1", "A-2"))  # a drift, so that GitLab has an issue
    aged(Path("Q"))
    run("check", "--queue", "Q", "-f", f"{name}=out")
    before = Path("out").read_bytes()
    assert before
    for other in set(DOCUMENTS) - {name}:
        assert run("check", "-f", f"{other}=out").code == 4, other
    assert Path("out").read_bytes() == before


@pytest.mark.parametrize("name", APPENDED)
def test_what_appends_loses_nothing(project: Path, run: Run, name: str) -> None:
    """A format that appends may go to any file that is no input."""
    Path("out").write_bytes(b"mine\n")
    assert run("check", "-f", f"{name}=out").code == 0
    assert Path("out").read_bytes().startswith(b"mine\n")


@pytest.mark.parametrize(
    ("formats", "code"),
    [
        (("json=a", "junit=a"), 4),
        (("json=a", "json=sub/../a"), 4),
        (("text=a", "json=link"), 4),
        (("json=folder/b", "text=sub/b"), 4),
        (("text=a", "markdown=link"), 0),  # as on stdout, one after the other
        (("text=a", "json=b"), 0),
        (("text=/dev/null", "markdown=/dev/null"), 0),
    ],
)
def test_outputs_of_one_run(project: Path, run: Run, formats: tuple[str, ...], code: int) -> None:
    """A document is not written where another output of the same run goes."""
    Path("link").symlink_to("a")
    Path("folder").symlink_to("sub")
    before = digest(project)
    done = run("check", *(word for name in formats for word in ("-f", name)))
    assert done.code == code
    if code:
        assert "is written for --format " in done.err
        assert digest(project) == before


def test_a_saved_report_is_an_input(project: Path, run: Run) -> None:
    """`report` writes over neither the report that it shows nor an input of the gate, whatever the settings."""
    assert run("check", "-f", "json=r.json").code == 0
    Path("hard").hardlink_to("r.json")
    broken = digest(project)
    for target in ("r.json", "sub/../r.json", "hard", QUEUE, f"{DB}-wal", "logs/runs.jsonl.1", POLICY):
        for name in FORMATS:
            assert run("report", "r.json", "-f", f"{name}={target}").code == 4, (name, target)
    assert digest(project) == broken
    Path(POLICY).write_text("no: policy\n")
    for target in (QUEUE, POLICY):
        assert run("--queue", QUEUE, "report", "r.json", "-f", f"text={target}").code == 4, target
    assert Path(POLICY).read_text() == "no: policy\n"
    assert run("report", "r.json", "-f", "text=out").code == 0


def shell(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `ops` is the program."""
    program = f'ops() {{ "{sys.executable}" -m ops_checks "$@"; }}; {command}'
    path = f"{Path(__file__).parents[2]}"
    return subprocess.run(
        ["bash", "-c", program], env={**os.environ, "PYTHONPATH": path, **environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        f"ops check >> {QUEUE}",
        "ops check -f health >> logs/runs.jsonl.1",
        "ops check -f json=/dev/stdout >> logs/runs.jsonl",
        f"ops check 1<>{DB}",
        "ln logs/runs.jsonl hard; ops kpi >> hard",
        f"ops consistency-check >> {POLICY}",
        f"ops status >> {QUEUE}",
        f"ops --db {DB} workers >> {DB}",
        f"ops cancel --id A-1 >> {QUEUE}",
        f"ops policy check >> {POLICY}",
        "ops check -f text=/dev/fd/3 3>> logs/runs.jsonl",
        "ops check -f text=/dev/stdout >> logs/runs.jsonl",
        "ops check -f text=/dev/stderr 2>> logs/runs.jsonl",
        "ops check 2>> logs/runs.jsonl",
        "ops check >> logs/runs.jsonl 2>&1",
        "ops report missing.json >> logs/runs.jsonl",
    ],
)
def test_what_is_printed_goes_to_no_input(project: Path, command: str) -> None:
    """A stream that was redirected to an input is a usage error, and not even its message is written there."""
    before = {name: Path(name).read_bytes() for name in INPUTS if Path(name).exists()}
    done = shell(command)
    assert done.returncode == 4
    said = done.stdout + done.stderr
    assert "is an input" in said or not said
    assert "Traceback" not in said
    assert {name: Path(name).read_bytes() for name in before} == before
    assert [name for name in INPUTS if Path(name).exists()] == [*before]


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("ops check -f health=/dev/stdout", "HEALTH_OK\n"),
        ("ops check -f health > out; cat out", "HEALTH_OK\n"),
        ("echo mine > out; ops check -f health=/dev/stdout >> out; cat out", "mine\nHEALTH_OK\n"),
        ("echo mine > out; ops check -f json=/dev/stdout >> out; head -2 out", "mine\n{\n"),
        ("ops check -f health=/dev/null", ""),
        ("ops check -f health=/dev/stderr 2>&1", "HEALTH_OK\n"),
        ("ops check -f health=/dev/fd/3 3>&1", "HEALTH_OK\n"),
        ("ops check -f health=/dev/fd/3 3> out; cat out", "HEALTH_OK\n"),
        ("ops check -f json=/dev/fd/3 3> out; head -1 out", "{\n"),
        ("mkfifo f; exec 9<>f; ops check -f health=f; head -1 <&9", "HEALTH_OK\n"),
        ("ops check -f json=new; ops check -f json=new; head -1 new", "{\n"),
    ],
)
def test_what_is_no_regular_file_works_as_it_did(project: Path, command: str, out: str) -> None:
    """Devices, pipes, descriptors and new files take what is written to them."""
    done = shell(command)
    assert (done.returncode, done.stdout, done.stderr) == (0, out, "")


@pytest.mark.parametrize("target", ["new", "link"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_write_that_fails_leaves_nothing(project: Path, name: str, target: str) -> None:
    """Where no byte can be written, no empty file and no temporary file is left."""
    Path("link").symlink_to("new")
    Path("Q").write_text((project / QUEUE).read_text().replace("A-1", "A-2"))  # drift: no report is empty
    aged(Path("Q"))
    before = digest(project)
    done = shell(f"ulimit -f 0; ops check --queue Q -f {name}={target}", PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith(f"error: {target}: not written (File too large)")
    assert digest(project) == before


def test_a_folder_that_is_missing_is_not_made(project: Path, run: Run) -> None:
    """A report in a folder that does not exist is an error, as ever; if it is an input's, it is refused."""
    done = run("check", "-f", "json=missing/report.json")
    assert (done.code, done.out) == (3, "")
    done = run("check", "--db", "missing/queue.db", "-f", "json=sub/../missing/queue.db")
    assert done.code == 4
    assert not Path("missing").exists()
