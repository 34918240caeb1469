"""Paths for CI systems: relative to the repository, never out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import DB, LOG, MISMATCH, ONLY_IN_DB, QUEUE, report, rule

from ops_checks.findings import Finding, Place, Verdict
from ops_checks.presentation.format import RenderOptions
from ops_checks.presentation.locations import fallback_path, locate, repository_path, rows_url
from ops_checks.report.model import InputRead

POLICY = InputRead("policy", "ops-checks.yaml")


@pytest.mark.parametrize(
    ("path", "folder", "root", "found"),
    [
        ("QUEUE.md", "", "", "QUEUE.md"),
        ("ops/./x/../QUEUE.md", "", "", "ops/QUEUE.md"),
        ("QUEUE.md", "/repo/ops", "/repo", "ops/QUEUE.md"),
        ("../QUEUE.md", "/repo/ops", "/repo", "QUEUE.md"),
        ("../../QUEUE.md", "/repo/ops", "/repo", None),
        ("/repo/ops/QUEUE.md", "/elsewhere", "/repo/", "ops/QUEUE.md"),
        ("/repo2/QUEUE.md", "/repo", "/repo", None),
        ("/repo/../etc/passwd", "/repo", "/repo", None),
        ("/etc/passwd", "", "", None),
        ("//repo/x", "/repo", "/repo", None),
        ("/x", "/", "/", "x"),
        ("x", "/repo", "", None),
        ("..", "", "", None),
        ("../x", "", "", None),
        (".", "", "", None),
        ("", "", "", None),
        ("a\0b", "", "", None),
        ("..x/y", "", "", "..x/y"),
        ("C:\\x", "", "", "C:\\x"),
    ],
)
def test_repository_path(path, folder, root, found):
    """A path of the repository, relative to its root, or nothing."""
    assert repository_path(path, RenderOptions(folder=folder, root=root)) == found


@given(st.text("./ab\\:%\0"), st.sampled_from(["", "/r", "/r/a"]), st.sampled_from(["", "/r", "/"]))
def test_never_outside(path, folder, root):
    """Whatever is named, the result is relative and has no step up."""
    found = repository_path(path, RenderOptions(folder=folder, root=root))
    assert found is None or not ({"..", "."} & set(found.split("/")) or found.startswith("/"))


@pytest.mark.parametrize(
    ("group", "inputs", "path"),
    [
        ("consistency", (LOG, DB, QUEUE), "ops/QUEUE.md"),
        ("kpi", (QUEUE, DB, LOG), "ops/runs.jsonl"),
        ("kpi", (QUEUE, DB), "ops/QUEUE.md"),
        ("waivers", (QUEUE, POLICY), "ops-checks.yaml"),
        ("other", (DB, QUEUE), "ops/queue.db"),
        ("kpi", (InputRead("log", "/var/log/x"), QUEUE), "ops/QUEUE.md"),
        ("kpi", (InputRead("log", "/var/log/x"),), None),
        ("kpi", (), None),
    ],
)
def test_fallback_path(group, inputs, path):
    """What has no line in the repository is shown at the input that its rule reads, or at another that is inside."""
    failed = rule("x", Verdict.FAIL, group=group)
    assert fallback_path(report(failed, inputs=inputs), failed, RenderOptions()) == path


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (MISMATCH.places, ("ops/QUEUE.md", 7, 12)),
        (tuple(reversed(MISMATCH.places)), ("ops/QUEUE.md", 7, 12)),
        (ONLY_IN_DB.places, ("ops/QUEUE.md", 1, 1)),
        ((Place("/var/QUEUE.md", 3, 4),), ("ops/QUEUE.md", 1, 1)),
        ((Place("/var/QUEUE.md", 3, 4), Place("a.md", 5)), ("a.md", 5, 1)),
        ((Place("a.md", 0, -3),), ("a.md", 1, 1)),
        ((), ("ops/QUEUE.md", 1, 1)),
    ],
)
def test_locate(places, found):
    """The first line of a file inside the repository; a database's row, or nothing, is shown at the queue."""
    drift = rule("field-mismatch", Verdict.FAIL, Finding("field-mismatch", "m", places=places))
    assert locate(report(drift), drift, drift.findings[0], RenderOptions()) == found
    assert locate(report(drift), drift, None, RenderOptions()) == ("ops/QUEUE.md", 1, 1)


@pytest.mark.parametrize(
    ("places", "found", "of_rule"),
    [
        (ONLY_IN_DB.places, ("ops/queue.db", 1, 1), "ops/queue.db"),
        ((*ONLY_IN_DB.places, Place("ops/QUEUE.md", 9)), ("ops/QUEUE.md", 9, 1), "ops/QUEUE.md"),
        ((Place("/var/q.db", table="t", key="k"), Place("ops/QUEUE.md", 9)), ("ops/QUEUE.md", 9, 1), "ops/QUEUE.md"),
        ((Place("/var/q.db", table="t", key="k"),), ("ops/runs.jsonl", 1, 1), "ops/runs.jsonl"),
        ((Place("ops/runs.jsonl", 18),), ("ops/runs.jsonl", 18, 1), "ops/runs.jsonl"),
    ],
)
def test_locate_a_finding_of_the_queue(places, found, of_rule):
    """A stale item is shown at its row, else at the database, and its rule at the same file; neither at the run log."""
    stale = rule("stale-in-progress", Verdict.FAIL, Finding("stale-in-progress", "m", places=places))
    assert locate(report(stale), stale, stale.findings[0], RenderOptions()) == found
    assert locate(report(stale), stale, None, RenderOptions()) == (of_rule, 1, 1)


SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": SHA}
GITLAB = {"CI_PROJECT_URL": "https://gitlab.example.org:8443/a/b/c", "CI_COMMIT_SHA": SHA}


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        (GITHUB, f"https://github.com/o/r/blob/{SHA}/{{path}}#L{{line}}"),
        (GITHUB | {"GITHUB_REPOSITORY": "o/.github"}, f"https://github.com/o/.github/blob/{SHA}/{{path}}#L{{line}}"),
        (GITHUB | {"GITHUB_SERVER_URL": "http://ghe:80/"}, f"http://ghe:80/o/r/blob/{SHA}/{{path}}#L{{line}}"),
        (GITHUB | {"GITEA_ACTIONS": "true"}, f"https://github.com/o/r/src/commit/{SHA}/{{path}}#L{{line}}"),
        (GITHUB | {"GITHUB_SHA": "a" * 64}, f"https://github.com/o/r/blob/{'a' * 64}/{{path}}#L{{line}}"),
        (GITLAB, f"https://gitlab.example.org:8443/a/b/c/-/blob/{SHA}/{{path}}#L{{line}}"),
        ({}, ""),
        (GITHUB | {"GITHUB_SHA": "main"}, ""),
        (GITHUB | {"GITHUB_SHA": SHA + "\n"}, ""),
        (GITHUB | {"GITHUB_REPOSITORY": "o/../x"}, ""),
        (GITHUB | {"GITHUB_REPOSITORY": "o/r)x"}, ""),
        (GITHUB | {"GITHUB_REPOSITORY": "o"}, ""),
        (GITHUB | {"GITHUB_SERVER_URL": "javascript:alert(1)//"}, ""),
        (GITHUB | {"GITHUB_SERVER_URL": "https://user:token@github.com"}, ""),
        (GITHUB | {"GITHUB_SERVER_URL": ""}, ""),
        (GITLAB | {"CI_PROJECT_URL": "https://x.org/a/b?c"}, ""),
        (GITLAB | {"CI_PROJECT_URL": "https://x.org/a/b](http://y)"}, ""),
        (GITLAB | {"CI_COMMIT_SHA": ""}, ""),
    ],
)
def test_where_rows_are_found(environ, url):
    """A link is made of an address, a repository and a commit that are what they should be, or not at all."""
    assert rows_url(environ) == url
