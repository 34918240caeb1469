"""The fixture `reconciled`: tests of people's own writers, on scratch copies of a document, a database and a base."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from builders import aged, digest, execute, item, make_database, make_markdown
from git_projects import GitProject
from queue_projects import Project, outcomes

from ops_checks.pytest_plugin import reconciliation

pytest_plugins = ("pytester",)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "ops_checks/help/pytest.md").read_text(encoding="utf-8")
DOCUMENTED = inspect.getdoc(reconciliation) or ""
EXAMPLE = DOCUMENTED[DOCUMENTED.index("from ops_checks") :] + "\n"
BASE = [item("ORCH-1"), item("ORCH-2"), item("ORCH-3")]


@pytest.fixture
def bare(project: Project) -> Project:
    """Return a project with two queues and a base beside its own, without the checks."""
    project.options = ()
    make_markdown(project.path / "base.md", BASE)
    make_markdown(project.path / "now.md", [item("ORCH-1", priority="P0"), *BASE[1:]])
    make_database(project.path / "now.db", [BASE[0], item("ORCH-2", "DONE", owner_session="w"), BASE[2]])
    make_database(project.path / "base.db", BASE)
    return project


def outcome(project: Project, body: str, *options: str) -> pytest.RunResult:
    """Run a test with the fixture: `body` is its lines."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    imports = "from pathlib import Path\nfrom ops_checks import Item, open_queue\n"
    project.write("tests/test_own.py", f"{imports}\n\ndef test_own(reconciled):\n{lines}")
    return project.pytest("-q", *options)


@pytest.mark.parametrize("options", [(), ("--queue-check",), ("--queue-check", "-n2")])
def test_the_example_of_the_documentation(project: Project, options: tuple[str, ...]) -> None:
    """The documented example passes as it stands, whatever the configured queues are like, and leaves them."""
    project.drift()
    project.plugins += ("xdist",)
    project.options = options
    project.write("tests/test_own.py", EXAMPLE)
    before = digest(project.path / "automation")

    result = project.pytest("-rA")

    name = "tests/test_own.py::test_what_our_writer_changes_reaches_the_database"
    assert outcomes(result)[name] == "PASSED"
    assert EXAMPLE in DOCUMENT
    assert digest(project.path / "automation") == before


@pytest.mark.parametrize(
    "base",
    [
        "'given/base.md'",
        "Path('given/base.md')",
        "'given/base.db'",
        "open_queue('given/base.db')",
        "list(open_queue('given/base.md'))",
        "(each for each in open_queue('given/base.md'))",
    ],
)
def test_what_each_side_moved_goes_over(bare: Project, base: str) -> None:
    """Paths, stores and items are taken for any of the three; what is given stays as it is, byte for byte."""
    given = bare.path / "given"
    given.mkdir()
    for name in ("base.md", "now.md", "now.db", "base.db"):
        (bare.path / name).rename(given / name)
    before = digest(given)
    body = f"""found = reconciled('given/now.md', Path('given/now.db'), {base})
assert found.consistent and not found.needs
assert [(each.id, each.unit, each.to) for each in found.actions] == [
    ('ORCH-1', 'priority', 'db'), ('ORCH-2', 'claim', 'md')]
assert found.db['ORCH-1'].priority == 'P0'
assert (found.md['ORCH-2'].status, found.md['ORCH-2'].owner_session) == ('DONE', 'w')
assert list(found.md) == ['ORCH-1', 'ORCH-2', 'ORCH-3']"""
    result = outcome(bare, body, "-Werror")
    result.assert_outcomes(passed=1)
    assert digest(given) == before


def test_what_a_person_is_asked(bare: Project) -> None:
    """What both sides moved is a need, and stays; a preference decides it."""
    body = """both = Item(id='A-1', status='PENDING', priority='P1', task='t', success_criteria='s')
md, db = both.with_cells([('priority', 'P0')]), both.with_cells([('priority', 'P2')])
found = reconciled([md], [db], [both])
assert [(each.id, each.unit, each.reason) for each in found.needs] == [('A-1', 'priority', 'conflict')]
assert not found.actions and not found.consistent
assert (found.md['A-1'].priority, found.db['A-1'].priority) == ('P0', 'P2')
for prefer in ('md', {'A-1': 'md'}, {'A-1.priority': 'md'}):
    found = reconciled([md], [db], [both], prefer=prefer)
    assert found.consistent and found.db['A-1'].priority == 'P0'"""
    outcome(bare, body).assert_outcomes(passed=1)


def test_without_a_base(bare: Project) -> None:
    """What the database has recorded holds; where it has nothing, what is equal is agreed and the rest is asked."""
    body = """found = reconciled('now.md', 'now.db')
assert {each.reason for each in found.needs} == {'no-base'} and not found.actions
assert reconciled('now.md', 'now.db', prefer='db').consistent
assert reconciled('now.md', 'now.db', []).needs"""
    outcome(bare, body).assert_outcomes(passed=1)


def test_a_recorded_base_holds_with_its_history(bare: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base that a database has recorded is asked with the history of the document that was given."""
    repository = GitProject(bare.path)
    bare.queues(BASE, BASE)
    repository.commit()
    bare._pytester.run("ops-checks", "baseline")
    path = bare.path / "automation/orchestrator/QUEUE.md"
    path.write_text(path.read_text().replace("| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |"))
    aged(path)
    queues = "'automation/orchestrator/QUEUE.md', 'automation/orchestrator/db/queue.db'"
    outcome(bare, f"assert reconciled({queues}).consistent").assert_outcomes(passed=1)
    (bare.path / "elsewhere.md").write_bytes(path.read_bytes())
    repository.git("rm", "-q", "--cached", "automation/orchestrator/QUEUE.md")
    repository.git("commit", "-q", "--amend", "-m", "another history")
    body = f"assert [each.reason for each in reconciled({queues}).needs] == ['lineage']"
    outcome(bare, body).assert_outcomes(passed=1)


def test_the_policy_of_the_session_holds(bare: Project) -> None:
    """Where the database is the source of truth an edit of the view is asked about; the environment is of others."""
    bare.write("ops-checks.yaml", "source_of_truth: db\n")
    body = """import os
os.environ['ORCH_QUEUE_MD_READ_ONLY'] = '1'
found = reconciled('now.md', 'now.db', 'base.md')
assert [(each.id, each.reason) for each in found.needs] == [('ORCH-1', 'md-is-view')]
assert found.md['ORCH-2'].status == 'DONE'"""
    outcome(bare, body).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("reconciled('none.md', 'now.db')", "error: */none.md: *"),
        ("reconciled('now.md', 'none.db')", "error: */none.db: *"),
        ("reconciled('broken.md', 'now.db')", "error: */broken.md:8:*"),
        ("reconciled('now.md', 'now.md')", "error: */now.md: *"),
        ("reconciled('now.md', open_queue('base.md'))", "error: *QUEUE.md: *"),
        ("reconciled('now.md', 'now.db', 'broken.md')", "error: */broken.md:8:*"),
        ("reconciled('now.md', 'now.db', [*open_queue('base.md')] * 2)", "error: base: an id stands twice in it"),
        ("reconciled([*open_queue('base.md')] * 2, 'now.db')", "error: items: an id stands twice among them"),
        ("reconciled('now.md', 'now.db', 'base.md', prefer='both')", "error: prefer: [*]=both: expected md or db"),
        (
            "reconciled('now.md', 'now.db', 'base.md', prefer={'ORCH-9': 'md'})",
            "error: prefer ORCH-9=md: nothing asks for it",
        ),
        ("reconciled([], 'now.db', 'base.md')", "error: empty-md: *"),
    ],
)
def test_what_cannot_be_reconciled(bare: Project, call: str, error: str) -> None:
    """What cannot be read, a safety stop and a preference that means nothing fail the test with one line."""
    text = (bare.path / "now.md").read_text()
    bare.write("broken.md", text.replace("| ORCH-2 | PENDING |", "| ORCH-2 | WAITING |"))
    result = outcome(bare, call)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([error])
    assert "Traceback" not in result.stdout.str()
    assert "reconciliation.py" not in result.stdout.str()


def test_the_write_ahead_log_counts(bare: Project) -> None:
    """A commit that stands in the database's write-ahead log only is reconciled, and the log stays."""
    body = """import sqlite3
from contextlib import closing
with closing(sqlite3.connect('now.db', isolation_level=None)) as writer:
    writer.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
    writer.execute("UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-3'")
    assert reconciled('now.md', 'now.db', 'base.md').md['ORCH-3'].priority == 'P2'"""
    outcome(bare, body).assert_outcomes(passed=1)


def test_a_lease_is_kept(bare: Project) -> None:
    """What a worker holds is left to it."""
    execute(
        bare.path / "now.db",
        "UPDATE queue_items SET lease_owner = 'w', lease_expires_at = 4000000000 WHERE id = 'ORCH-3'",
    )
    body = """items = {each.id: each for each in open_queue('base.md')}
items['ORCH-3'] = items['ORCH-3'].with_cells([('status', 'BLOCKED')])
assert [each.reason for each in reconciled(items.values(), 'now.db', 'base.md').needs] == ['held']"""
    outcome(bare, body).assert_outcomes(passed=1)
