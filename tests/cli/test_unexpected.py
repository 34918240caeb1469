"""An exception that nobody expected is "could not carry out": exit code 3 and one line, from everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown
from no_memory import TAKE_ALL, needs_a_bound

from ops_checks.cli.command import command_names, load_command
from ops_checks.errors import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

ROOT = Path(__file__).parents[2]
#: Arguments with which each command gets as far as carrying something out.
ARGV = {
    "cancel": ["--id", "A-1"],
    "replan": ["--id", "A-1", "--notes", "x"],
    "retry": ["--id", "A-1"],
    "report": ["r.json"],
    "snapshot": ["-o", "s.json"],
    "schema": ["report"],
    "completion": ["bash"],
    "policy": ["check"],
    "reconcile": ["plan"],
    "show": ["A-1"],
    "history": ["show", "h.jsonl"],
}


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a folder with both queues and a policy."""
    make_markdown(folder / "Q.md", [item("A-1")])
    make_database(folder / "q.db", [item("A-1")])
    (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n')
    (folder / "ops-checks.yaml").write_text("queue: Q.md\ndb: q.db\nlog: runs.jsonl\n")
    return folder


def program(argv: list[str], folder: Path, before: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, after some lines of Python."""
    code = f"import sys\n{before}\nfrom ops_checks.cli import main\nsys.exit(main({argv!r}))"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GITHUB_"))}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=plain | environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "error", [KeyError("x"), RecursionError("deep"), MemoryError(), ImportError("no msgspec"), SystemExit(0)]
)
@pytest.mark.parametrize("name", command_names())
def test_every_command_ends_in_one_line(
    run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, project: Path, name: str, error: BaseException
) -> None:
    """Whatever a command raises, the exit code is 3, and one line names its kind and where to report it."""

    def fail(_invocation: object) -> None:
        raise error

    monkeypatch.setattr(load_command(name), "run", fail)
    monkeypatch.chdir(project)
    code = None
    read, write = os.pipe()
    saved = os.dup(2)
    os.dup2(write, 2)
    try:
        code = run(name, *ARGV.get(name, [])).code
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    assert code == 3
    assert told.startswith(f"error: unexpected {type(error).__name__}")
    assert told.count("\n") == 1
    assert "report it to" in told


@pytest.mark.parametrize(
    "reason", ["error return without exception set", "<built-in function f> returned NULL without setting an exception"]
)
def test_no_memory_left_to_say_so(reason: str) -> None:
    """What the interpreter raises in place of a MemoryError that it has no memory for is told by its own name."""
    told = unexpected(SystemError(reason))
    assert told.startswith(f"unexpected SystemError ({reason}): give the process more memory; if that is not it, rep")


@needs_a_bound
@pytest.mark.parametrize("name", ["status", "check", "kpi"])
def test_no_memory_left_at_all(project: Path, name: str) -> None:
    """Where a command finds no byte free any more, the line is there already."""
    before = (
        f"{TAKE_ALL}\nimport ops_checks.cli.command as c\nc.load_command({name!r}).run = take_all\n"
        f"from ops_checks.cli import console\nsys.argv[1:] = [{name!r}]\nconsole()"  # as the program is started
    )
    done = program([name], project, before)
    assert (done.returncode, done.stdout) == (3, "")
    kind, _, advice = done.stderr.partition(": give ")
    assert re.fullmatch(r"error: unexpected (MemoryError|SystemError \(.* without .*exception.*\))", kind)
    assert advice.startswith("the process more memory")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("argv", [["status"], ["check", "--only", "kpi"], ["--help"]])
def test_a_command_that_exits_while_it_is_imported(project: Path, argv: list[str]) -> None:
    """Only the parser ends in 0 with nothing carried out, when it has printed the help that was asked for."""
    before = "import ops_checks.cli.command as c\ndef leave(_): raise SystemExit(0)\nc.load_command = leave"
    done = program(argv, project, before)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: unexpected SystemExit (0): report it to ")


def test_the_traceback_is_there_for_who_asks(project: Path) -> None:
    """OPS_CHECKS_DEBUG=1 shows the traceback before the line; without it there is none."""
    before = "import ops_checks.cli.entry as e\ndef fail(*_): raise KeyError('x')\ne.load_command = fail"
    plain, debug = program(["check"], project, before), program(["check"], project, before, OPS_CHECKS_DEBUG="1")
    assert (plain.returncode, debug.returncode) == (3, 3)
    assert plain.stderr.splitlines() == [debug.stderr.splitlines()[-1]]
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize("module", ["msgspec", "jsonschema", "ruamel.yaml"])
@pytest.mark.parametrize("name", ["check", "kpi", "consistency-check"])
def test_a_missing_module(project: Path, module: str, name: str) -> None:
    """A dependency that is not installed is no drift, and the line says what to do."""
    (project / "ops-checks.yaml").write_text("{queue: Q.md, db: q.db, log: runs.jsonl}\n")  # which is not plain
    done = program([name], project, f"sys.modules[{module!r}] = None")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: unexpected ModuleNotFoundError (")
    assert "install ops-checks again with its dependencies" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kilobytes", [35_000, 30_000, 40_000, 50_000, 60_000])
def test_no_memory_is_no_drift(project: Path, kilobytes: int) -> None:
    """With too little memory a gate script ends in HEALTH_ERROR and 3, wherever the program died; never in 1."""
    binary = Path(sys.executable).parent
    command = f"ulimit -v {kilobytes}; exec bash {ROOT / 'ci' / 'gate'}"
    environ = {**os.environ, "PATH": f"{binary}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=project, env=environ, capture_output=True, text=True, check=False
    )
    last = (done.stdout.splitlines() or [""])[-1]
    assert (done.returncode, last.split(" ")[0]) in {(3, "HEALTH_ERROR"), (0, "HEALTH_OK")}


@pytest.mark.parametrize(
    ("program_text", "code", "line"),
    [
        ("exit 1", 3, "HEALTH_ERROR exit=3"),
        ("exit 0", 3, "HEALTH_ERROR exit=3"),
        ("exit 2", 3, "HEALTH_ERROR exit=3"),
        ("kill -9 $$", 3, "HEALTH_ERROR exit=3"),
        ("exit 4", 4, "HEALTH_ERROR exit=4"),
        ("exit 130", 130, "HEALTH_ERROR exit=130"),
        ('echo HEALTH_OK >> "${5#*=}"; exit 0', 0, "HEALTH_OK"),
        ('echo HEALTH_OK >> "${5#*=}"; exit 1', 3, "HEALTH_ERROR exit=3"),
        ('echo HEALTH_OK >> "${5#*=}"; exit 3', 3, "HEALTH_ERROR exit=3"),
        ("echo 'HEALTH_FAIL x=fail' >> \"${5#*=}\"; exit 1", 1, "HEALTH_FAIL x=fail"),
        ("echo 'HEALTH_ERROR x=error' >> \"${5#*=}\"; exit 3", 3, "HEALTH_ERROR x=error"),
    ],
)
def test_the_gate_script_never_passes_on_a_code_without_its_verdict(
    tmp_path: Path, program_text: str, code: int, line: str
) -> None:
    """Whatever becomes of the program, the last line is a HEALTH line, and the exit code is one that it stands for."""
    fake = tmp_path / "ops-checks"
    fake.write_text(f"#!/bin/bash\n{program_text}\n")
    fake.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", str(ROOT / "ci" / "gate")], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, line)


def test_a_module_that_is_no_command_runs_nothing(run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is only half there is an error; no other one runs in its place."""
    monkeypatch.setattr("ops_checks.cli.command.is_command", lambda word: word == "unblock")
    monkeypatch.setattr("ops_checks.cli.quick_parser.is_command", lambda word: word == "unblock")
    monkeypatch.setattr("ops_checks.cli.parser.command_names", lambda: ["cancel", "unblock"])
    told = run("unblock", "--id", "A-1")
    assert (told.code, told.out) == (3, "")


@pytest.mark.parametrize("argv", [["check"], ["kpi", "-f", "json"], ["consistency-check", "-f", "json"], ["kpi"]])
def test_the_policy_is_read_once(project: Path, argv: list[str]) -> None:
    """Two readings could differ: the policy's file is opened once."""
    before = (
        "opened = []\n"
        "sys.addaudithook(lambda name, args: opened.append(1) if name == 'open' and args[0] == 'ops-checks.yaml' "
        "else None)\n"
        "import atexit\n"
        "atexit.register(lambda: print('opened', len(opened), file=sys.stderr))"
    )
    done = program(argv, project, before)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "opened 1"


def test_an_ignored_interrupt_stays_ignored(project: Path) -> None:
    """A program that is told to ignore SIGINT, by nohup or a background shell, keeps ignoring it."""
    before = (
        "import signal, os\n"
        "from ops_checks.gate import inputs, readers\n"
        "read = inputs.read_drift\n"
        "def interrupted(context, details):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return read(context, details)\n"
        "readers.READERS['consistency'] = interrupted"
    )
    code = f"import sys\n{before}\nfrom ops_checks.cli import main\nsys.exit(main(['check']))"
    shell = f"trap '' INT; exec {sys.executable} -c \"$CODE\""
    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=project,
        env={**os.environ, "CODE": code},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
