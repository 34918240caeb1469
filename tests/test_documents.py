"""The README is true: what it names exists, what exists it names, what it shows is what is printed."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ops_checks
from ops_checks import arguments
from ops_checks.formats import FORMATS
from ops_checks.policy.loader import load_policy
from ops_checks.pytest_plugin.session import scratch
from ops_checks.rules.registry import RULES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = list(arguments._COMMANDS)


def parsers() -> Iterator[argparse.ArgumentParser]:
    """Yield the parser of every command."""
    for build, _, _ in arguments._COMMANDS.values():
        parser = arguments.Parser()
        arguments._add_globals(parser)
        build(parser)
        yield parser


def section(title: str) -> str:
    """Return the text below a heading, up to the next of its level."""
    return re.split(r"^## ", README.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> str:
    """Return the first column of the tables in a text."""
    return "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `") or line[:3] == "| 0")


def test_commands():
    """The table of commands lists each of them, and none that does not exist."""
    named = re.findall(r"`([a-z-]+)", first_cells(section("Commands")))
    listed = [name for name in named if not name.startswith("-")]
    assert set(COMMANDS) <= set(listed)
    assert set(listed) <= set(COMMANDS)


def test_options():
    """Every option of every command is in the table of options, and no other."""
    known = {option for parser in parsers() for action in parser._actions for option in action.option_strings}
    table = first_cells(section("Commands"))
    named = set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", table))
    assert known - {"-h", "--help"} <= named
    assert named <= known


def test_pytest_options():
    """Every option of the plugin is in its table, and no other."""
    source = (ROOT / "ops_checks" / "pytest_plugin.py").read_text()
    known = set(re.findall(r'"(--[a-z0-9-]+)"', source))
    assert set(re.findall(r"(--[a-z0-9-]+)", first_cells(section("As tests: `pytest --queue-check`")))) == known


def test_the_pytest_example():
    """The example is the one in the fixture's docstring, which is run as a test."""
    (block,) = re.findall(r"```python\n(.*?)```", section("As tests: `pytest --queue-check`"), re.DOTALL)
    documented = inspect.getdoc(scratch) or ""
    assert (
        textwrap.dedent(block).split()
        == documented[documented.index("from ops_checks") :].split()[: len(block.split())]
    )


def test_formats():
    """Each format is listed, and no other."""
    assert re.findall(r"`([a-z]+)`", first_cells(section("The gate"))) == list(FORMATS)


def test_metrics():
    """Each metric that a policy can limit is named."""
    assert set(RULES) <= set(re.findall(r"`([a-z0-9_]+)`", section("Policy")))


def test_exit_codes():
    """The table of exit codes says what --help says."""
    listed = dict(re.findall(r"^\| (\d+) \| (.+) \|$", section("Exit codes"), re.MULTILINE))
    plain = re.sub(r"\s+", " ", arguments.EXIT_CODES)
    assert list(listed) == re.findall(r" (\d+) ", plain)
    for code, meaning in listed.items():
        assert f" {code} {meaning.replace('`', '').split(':')[0]}" in plain


def test_environment():
    """Every variable that the package reads is in the table, and no other."""
    source = "".join(path.read_text() for path in (ROOT / "ops_checks").glob("*.py"))
    assert set(re.findall(r"ORCH_[A-Z_]+", source)) == set(re.findall(r"ORCH_[A-Z_]+", section("Policy")))


def test_files():
    """The scripts and folders it names exist, and every script is named."""
    for name in re.findall(r"`(ci/[a-z-]+)", README):
        assert (ROOT / name).exists(), name
    scripts = {f"ci/{path.name}" for path in (ROOT / "ci").iterdir() if os.access(path, os.X_OK) and path.is_file()}
    assert scripts <= set(re.findall(r"ci/[a-z-]+", README))


def test_python_names():
    """The Python interface is named whole."""
    assert set(ops_checks.__all__) <= set(re.findall(r"`(\w+)`", section("Python")))
    assert all(getattr(ops_checks, name) for name in ops_checks.__all__)


def test_the_policy_is_valid(tmp_path: Path):
    """The policy that it shows is one."""
    (block,) = re.findall(r"```yaml\n(.*?)```", section("Policy"), re.DOTALL)
    (tmp_path / "ops-checks.yaml").write_text(block)
    assert load_policy(str(tmp_path / "ops-checks.yaml")).waivers[0].owner == "kim"


def environment() -> dict[str, str]:
    """Return an environment in which `ops-checks` is this package's and nothing is set for it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GITHUB_", "GITLAB_"))}
    return plain | {"PATH": f"{Path(sys.executable).parent}:{plain['PATH']}"}


def shape(text: str) -> str:
    """Return text with its times made alike: the demo's are relative to now."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<time>", text)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Return a folder with the demo."""
    subprocess.run(["ops-checks", "init", "--demo"], cwd=tmp_path, env=environment(), check=True, capture_output=True)
    return tmp_path


def test_the_demo_prints_what_it_shows(demo: Path):
    """Every command of the first screen prints what stands below it, and ends in the exit code shown."""
    shown = README.split("<!-- demo -->\n```console\n")[1].split("```\n<!-- /demo -->")[0]
    calls = re.findall(r"^\$ (.+)\n((?:.*\n)*?)\[exit (\d+)\]", shown, re.MULTILINE)
    assert len(calls) == 3
    for command, output, code in calls:
        done = subprocess.run(
            ["bash", "-c", command], cwd=demo, env=environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, shape(done.stdout)) == (int(code), shape(output))


def test_the_python_example_runs(demo: Path):
    """The example is run as it stands, in the demo's folder."""
    (block,) = re.findall(r"```python\n(.*?)```", section("Python"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=demo, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "IN_PROGRESS -> BLOCKED" in done.stdout
