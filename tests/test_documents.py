"""The README and the manual are true: what they name exists, what exists they name, what they show is printed."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import ops_checks
from ops_checks import help as manual
from ops_checks.cli.command import command_names
from ops_checks.cli.commands.schema import SCHEMAS
from ops_checks.cli.parser import build_parser
from ops_checks.exit_codes import EXIT_CODES
from ops_checks.formats import FORMATS
from ops_checks.gate.own_sql import check_sql
from ops_checks.policy.loader import load_policy
from ops_checks.policy.schema import policy_schema
from ops_checks.pytest_plugin import OPTIONS, reconciliation, rule_testing, scratch
from ops_checks.rules.history.rules import HISTORY_RULES
from ops_checks.rules.queue.rows import RowSettings
from ops_checks.rules.queue.rules import ROW_CHECKS
from ops_checks.rules.registry import BY_METRIC

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {topic: manual.page(topic) for topic in manual.topics()}
DOCUMENTS = {"README": README, **PAGES}


def subparsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every command, and of every step of one."""
    return {"": (parser := build_parser(["--help"])), **_below(parser)}


def _below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found |= {name: below, **{f"{name} {step}": each for step, each in _below(below).items()}}
    return found


def section(text: str, title: str) -> str:
    """Return the text below a heading, up to the next of its level."""
    return re.split(r"^## ", text.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> str:
    """Return the first column of the tables in a text."""
    return "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))


def test_five_minutes() -> None:
    """The README stays one page; what is longer is a page of the manual."""
    assert len(README.splitlines()) < 300


def test_every_page_has_a_heading_and_is_named() -> None:
    """Each page begins with its title, and the README names it and leads to it."""
    assert PAGES
    for topic, text in PAGES.items():
        assert re.match(r"# .+\n\n", text), topic
        assert f"[{topic}](ops_checks/help/{topic}.md)" in README
    assert set(re.findall(r"ops_checks/help/(\w+)\.md", README)) == set(PAGES)
    assert set(re.findall(r"`ops-checks help (\w+)`", "".join(DOCUMENTS.values()))) <= {*PAGES, "TOPIC"}


def test_commands() -> None:
    """The table of commands lists each of them, and none that does not exist."""
    listed = set(re.findall(r"`([a-z][a-z-]+)", first_cells(section(README, "Commands"))))
    assert listed == set(command_names())


def test_schemas() -> None:
    """The manual says of each schema what it is of; the others have the name of their command."""
    text = "".join(PAGES.values())
    named = {name for name in SCHEMAS if f"| `{name}` |" in text or f"`ops-checks schema {name}`" in text}
    assert set(SCHEMAS) - named <= set(command_names())
    assert set(re.findall(r"`ops-checks schema (\w+)`", text)) <= {*SCHEMAS}


def test_commands_that_are_mentioned_exist() -> None:
    """Whatever follows `ops-checks` in a document is a command or an option."""
    words = {word for text in DOCUMENTS.values() for word in re.findall(r"ops-checks ([a-z][a-z-]+)\b", text)}
    prose = {"is", "maintainers", "offers", "needs"}
    assert words - prose <= set(command_names())


def test_options() -> None:
    """Every option of every command is in the table of options, and no other; hidden ones are not."""
    known = {
        option
        for parser in subparsers().values()
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
    } - {"-h", "--help", "--version"}
    assert set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", first_cells(PAGES["commands"]))) == known


def test_pytest_options() -> None:
    """Every option of the plugin is in its table, and no other."""
    known = {option for option, *_ in OPTIONS}
    assert set(re.findall(r"(--[a-z0-9-]+)", first_cells(PAGES["pytest"]))) == known


def test_the_limits_of_both_faces_are_the_rules() -> None:
    """The options of limits are those of the table of rules, in the command line and in the plugin."""
    options = {rule.option for rule in BY_METRIC.values() if rule.option}
    named = {option for option, *_ in OPTIONS if option.startswith("--max-")}
    assert named == options
    for name in ("kpi", "check"):
        parser = subparsers()[name]
        limits = {option for option in parser._option_string_actions if option.startswith("--max-")}
        assert limits - {"--max-details", "--max-age"} == options


def test_the_pytest_examples() -> None:
    """Each example is the one in the docstring of its fixture's module, which is run as a test."""
    blocks = re.findall(r"```python\n(.*?)```", PAGES["pytest"], re.DOTALL)
    documented = [inspect.getdoc(module) or "" for module in (scratch, reconciliation, rule_testing)]
    assert [textwrap.dedent(block).strip() for block in blocks] == [
        text[text.index("from ops_checks") :] for text in documented
    ]


def test_formats() -> None:
    """Each format is listed with what it is for, and no other."""
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.+?) \| (?:appended to|replaced) \|$", PAGES["gate"], re.MULTILINE))
    assert rows == {name: FORMATS[name].help for name in FORMATS}


def test_metrics() -> None:
    """Each metric that a policy can limit is listed with its unit and meaning, in the order of a report."""
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \| (.+) \|$", section(PAGES["policy"], "Metrics"), re.MULTILINE)
    assert rows == [(metric, rule.unit, rule.summary) for metric, rule in BY_METRIC.items()]


def test_history() -> None:
    """Each rule on events is listed with what it finds, in the order of a report."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section(PAGES["policy"], "History"), re.MULTILINE)
    assert rows == [(rule.id, rule.summary) for rule in HISTORY_RULES]


def test_rows() -> None:
    """Each rule on rows is listed with what it finds, in the order of a report, and so is its number."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section(PAGES["policy"], "Rows"), re.MULTILINE)
    settings = RowSettings()
    numbers = {
        check.rule.id: f" `{check.setting}`: default {getattr(settings, check.field)}."
        for check in ROW_CHECKS
        if check.setting
    }
    assert rows == [(rule.id, rule.summary + numbers.get(rule.id, "")) for rule, *_ in ROW_CHECKS]
    described = policy_schema()["$defs"]["rule"]["properties"]
    for check in ROW_CHECKS:
        if check.setting:
            assert described[check.setting]["description"].startswith(f"Of `{check.rule.id}`: ")
            assert described[check.setting]["description"].endswith(f" Default: {getattr(settings, check.field)}.")


def test_the_rule_in_python_runs(demo: Path) -> None:
    """The rule that is shown is one: it finds what was started at night, by the entry that the text shows."""
    (block,) = re.findall(r"```python\n(.*?)```", section(PAGES["policy"], "Rules of your own"), re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    (entry,) = re.findall(r"`(rules: \[\{id: no-night-shift.+?\}\])`", PAGES["policy"])
    (demo / "checks.py").write_text(block)
    (demo / "ops-checks.yaml").write_text(entry)
    night = 'UPDATE queue_items SET started_at_kst = "2026-01-01 03:10" WHERE id = "ORCH-001"'
    with sqlite3.connect(demo / "automation/orchestrator/db/queue.db") as database:
        database.execute('UPDATE queue_items SET started_at_kst = "-"')
        database.execute(night)
    done = subprocess.run(
        ["ops-checks", "check", "--only", "no-night-shift"],
        cwd=demo,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "1 fail; 1 finding, exit code 1" in done.stdout
    assert "started at 2026-01-01 03:10" in done.stdout


def test_exit_codes() -> None:
    """The table of exit codes is the program's."""
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", section(README, "Exit codes"), re.MULTILINE)
    assert listed == [(str(code), code.meaning) for code in EXIT_CODES]


def test_environment() -> None:
    """Every variable that the package reads is in the table, and no other."""
    name = r"\b(?:ORCH|OPS_CHECKS)_[A-Z_]+"
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ops_checks").rglob("*.py"))
    assert set(re.findall(name, source)) == set(re.findall(name, section(PAGES["policy"], "Environment")))


def test_files() -> None:
    """The scripts and folders that the documents name exist, and every script is named in the README."""
    for text in DOCUMENTS.values():
        for path in re.findall(r"`((?:ci|ops_checks)/[a-z_/.-]+)", text):
            assert (ROOT / path).exists(), path
    scripts = {f"ci/{path.name}" for path in (ROOT / "ci").iterdir() if os.access(path, os.X_OK) and path.is_file()}
    assert scripts <= set(re.findall(r"ci/[a-z-]+", README))


def test_the_floors() -> None:
    """The table of floors names every part of the package."""
    parts = {
        path.stem for path in (ROOT / "ops_checks").iterdir() if path.suffix in {"", ".py"} and path.name[0] != "_"
    }
    named = set(re.findall(r"`(\w+)`", section(README, "Develop").split("| floor | |")[1]))
    assert parts - {"help", "LICENSE"} <= named


def test_python_names() -> None:
    """The Python interface is named whole."""
    assert set(ops_checks.__all__) == set(re.findall(r"`(\w+)`", first_cells(PAGES["python"])))
    assert all(getattr(ops_checks, name) for name in ops_checks.__all__)
    assert set(ops_checks.__all__) == set(ops_checks._MODULES)


def test_the_policy_is_valid(tmp_path: Path) -> None:
    """The policies that are shown are some, and their rules in SQL are statements."""
    policies = []
    for block in re.findall(r"```yaml\n(.*?)```", PAGES["policy"], re.DOTALL):
        (tmp_path / "ops-checks.yaml").write_text(block)
        policies.append(load_policy(str(tmp_path / "ops-checks.yaml")))
    assert policies[0].waivers[0].owner == "kim"
    assert [warning for policy in policies for warning in check_sql(policy, "")] == []


def environment() -> dict[str, str]:
    """Return an environment in which `ops-checks` is this package's and nothing is set for it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GITHUB_", "GITLAB_"))}
    return plain | {"PATH": f"{Path(sys.executable).parent}:{plain['PATH']}"}


def alike(text: str) -> str:
    """Return text with its times and the ids of plans and operations made alike: they are others each time."""
    return re.sub(r"\b(p|op)-[0-9a-f]{16}\b", r"<\1>", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<time>", text))


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Return a folder with the demo."""
    subprocess.run(["ops-checks", "init", "--demo"], cwd=tmp_path, env=environment(), check=True, capture_output=True)
    return tmp_path


def shown_sessions() -> list[list[tuple[str, str, str | None]]]:
    """Return what each block shows of our commands: command, output, exit code if shown, in their order."""
    sessions = []
    for block in re.findall(r"```console\n(.*?)```", "".join(DOCUMENTS.values()), re.DOTALL):
        found = []
        for command, output in re.findall(r"^\$ (ops-checks .+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            code = re.search(r"^\[exit (\d+)\]$", output, re.MULTILINE)
            lines = re.sub(r"^\[exit \d+\]\n+", "", output, flags=re.MULTILINE)
            found.append((command, lines, code[1] if code else None))
        if any(output.strip() for _, output, _ in found):
            sessions.append(found)
    return sessions


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the reader's own queue, which the README shows, and nothing else."""
    folder = tmp_path_factory.mktemp("own")
    (block,) = re.findall(r"```markdown\n(.*?)```", README, re.DOTALL)
    (folder / "QUEUE.md").write_text(block, encoding="utf-8")
    return folder


@pytest.mark.parametrize("session", shown_sessions(), ids=lambda session: session[0][0])
def test_what_is_shown_is_printed(demo: Path, own: Path, session: list[tuple[str, str, str | None]]) -> None:
    """The commands of a block, one after the other in the demo's or the reader's folder, print just what is shown."""
    folder = own if " --from " in session[0][0] else demo
    for command, output, code in session:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
        assert alike(done.stdout) == alike(output)
        assert code is None or done.returncode == int(code)


def test_enough_is_shown() -> None:
    """The documents show real output: the demo's three commands and more."""
    assert sum(bool(output.strip()) for session in shown_sessions() for _, output, _ in session) >= 6


def test_the_python_example_runs(demo: Path) -> None:
    """The example is run as it stands, in the demo's folder."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGES["python"], re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=demo, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "IN_PROGRESS -> BLOCKED" in done.stdout
