"""Where a policy is found, what is passed over and what is refused (FORMATS section 8)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown

from ops_checks.policy.search import find_policy
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
LOG = "automation/orchestrator/logs/orch_runs.jsonl"
POLICY = "kpi:\n  on_insufficient: pass\n"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def top(folder: Path) -> Path:
    """Return a project of one item in both queues, with a policy; the current folder is two below it."""
    for name in (DB, LOG):
        (folder / name).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, [item("ORCH-1")])
    make_database(folder / DB, [item("ORCH-1")])
    (folder / LOG).write_text("")
    (folder / "ops-checks.yaml").write_text(POLICY)
    (folder / "a/b").mkdir(parents=True)
    os.chdir(folder / "a/b")
    return folder


def mark(path: Path) -> None:
    """Make a folder the root of a repository."""
    path.mkdir(exist_ok=True)
    (path / ".git").mkdir()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: None, "../../ops-checks.yaml"),
        (lambda top: (top / "a/ops-checks.yaml").touch(), "../ops-checks.yaml"),
        (lambda top: (top / "a/b/ops-checks.yaml").touch(), "ops-checks.yaml"),
        (lambda top: (top / "a/b/ops-checks.yaml").symlink_to("nowhere"), "ops-checks.yaml"),
        (lambda top: (top / ".git").mkdir(), "../../ops-checks.yaml"),
        (lambda top: (top / "a/.git").mkdir(), None),
        (lambda top: (top / "a/.git").write_text("gitdir: elsewhere\n"), None),
        (lambda top: (top / "a/b/.git").mkdir(), None),
        (lambda top: (top / "a").chmod(0o777), "../../ops-checks.yaml"),
        (lambda top: top.chmod(0o777), None),
        (lambda top: top.chmod(0o1777), None),
        (lambda top: (top / "a/b").chmod(0o777), "../../ops-checks.yaml"),
    ],
)
def test_the_nearest_one_up_to_the_root_of_the_repository(
    top: Path, make: Callable[[Path], object], expected: str | None
) -> None:
    """The nearest policy is taken, none above the repository's root, none of a folder that everybody may write to."""
    make(top)
    assert find_policy()[0] == expected


@pytest.mark.parametrize(
    ("home", "repository", "expected"),
    [
        ("", None, "../../ops-checks.yaml"),
        ("a", None, None),
        ("a/b", None, None),
        ("a", "", "../../ops-checks.yaml"),
        ("elsewhere", None, "../../ops-checks.yaml"),
    ],
)
def test_without_a_repository_the_home_folder_is_the_last(
    top: Path, monkeypatch: pytest.MonkeyPatch, home: str, repository: str | None, expected: str | None
) -> None:
    """The home folder itself is looked in, and nothing above it; a repository goes as far as its root."""
    monkeypatch.setenv("HOME", str(top / home))
    if repository is not None:
        mark(top / repository)
    assert find_policy()[0] == expected


def test_the_current_folder_may_be_open_to_all(top: Path) -> None:
    """A checkout that a CI system made with umask 0 has its own policy taken: somebody chose to work there."""
    (top / "a/b/ops-checks.yaml").touch()
    (top / "a/b").chmod(0o777)
    assert find_policy() == ("ops-checks.yaml", ())


def test_what_is_passed_over_is_told(top: Path, run: Callable[..., Told]) -> None:
    """A policy in a folder that everybody may write to is not read, and a note says so, in the report too."""
    (top / "a/ops-checks.yaml").write_text("- no policy\n")
    (top / "a").chmod(0o1777)
    told = run("check", "-f", "text")
    note = "../ops-checks.yaml: not read, everybody may write to its folder: name it if you trust it"
    assert told.code == 0
    assert told.err == f"note: {note}\n"
    assert f"note: {note}\n" in told.out
    assert "read: policy ../../ops-checks.yaml (sha256:" in told.out


@ROOT_ONLY
@pytest.mark.parametrize("command", [("check",), ("status",), ("policy", "check"), ("cancel", "--id", "ORCH-1")])
def test_another_owner(top: Path, run: Callable[..., Told], command: tuple[str, ...]) -> None:
    """A policy of somebody else is refused, wherever it was found, unless it is named."""
    os.chown(top / "ops-checks.yaml", 12345, 12345)
    before = (top / QUEUE).read_bytes()
    told = run(*command)
    assert (told.code, told.out) == (4, "")
    assert told.err == (
        "error: ../../ops-checks.yaml: belongs to another user (uid 12345), who could loosen it: "
        "name it with --policy if you trust it\n"
    )
    assert (top / QUEUE).read_bytes() == before
    assert run("--policy", "../../ops-checks.yaml", *command).code == 0
    os.chdir(top)
    assert run(*command).code == 4


@ROOT_ONLY
def test_a_link_of_another_owner(top: Path) -> None:
    """A link counts as what it leads to, and as a file of its own."""
    (top / "a/ops-checks.yaml").symlink_to("../ops-checks.yaml")
    assert find_policy()[0] == "../ops-checks.yaml"
    os.chown(top / "a/ops-checks.yaml", 12345, 12345, follow_symlinks=False)
    with pytest.raises(Exception, match="belongs to another user"):
        find_policy()


@pytest.mark.parametrize("name", ["ops-checks.yml", ".ops-checks.yaml", ".ops-checks.yml"])
@pytest.mark.parametrize("where", ["a/b", "a", ""])
@pytest.mark.parametrize(
    "command", [("check",), ("kpi",), ("status",), ("policy", "check"), ("cancel", "--id", "ORCH-1")]
)
def test_what_only_looks_like_a_policy(
    top: Path, run: Callable[..., Told], name: str, where: str, command: tuple[str, ...]
) -> None:
    """A file under a name that is not read is an error that has the right name, beside the right one too."""
    (top / where / name).write_text("kpi: {}\n")
    told = run(*command)
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith("error: ")
    assert f"{name}: looks like a policy and is not read: " in told.err
    assert "ops-checks.yaml" in told.err.split("is not read: ")[1]
    assert told.err.count("\n") == 1
    assert run("--policy", "../../ops-checks.yaml", *command).code == 0


def test_beside_the_right_one_nothing_is_to_be_renamed(top: Path, run: Callable[..., Told]) -> None:
    """Where both names exist, a renaming would overwrite: the advice is another one."""
    (top / "ops-checks.yml").touch()
    assert "rename" not in run("check").err
    (top / "ops-checks.yaml").rename(top / "elsewhere.yaml")
    assert run("check").err.endswith(": a policy is named ops-checks.yaml: rename it\n")


def test_what_lies_beyond_the_policy_does_not_matter(top: Path) -> None:
    """Above the policy that is taken nothing is looked for."""
    (top / "ops-checks.yml").touch()
    (top / "a/ops-checks.yaml").touch()
    assert find_policy()[0] == "../ops-checks.yaml"


def test_init_makes_no_policy_beside_one_that_is_not_read(top: Path, run: Callable[..., Told]) -> None:
    """`init` makes nothing in a folder with a misnamed policy, and no project below another one: it completes that."""
    (top / "a/b/ops-checks.yml").touch()
    assert run("init").code == 4
    assert os.listdir() == ["ops-checks.yml"]
    os.remove("ops-checks.yml")
    assert run("init").code == 0
    assert os.listdir() == []
    assert (top / "automation/orchestrator/QUEUE.md").exists()


def test_default_paths_are_beside_the_policy(top: Path, run: Callable[..., Told]) -> None:
    """Below the policy's folder every command works on the queues of that folder, also with the policy named."""
    for more in ((), ("--policy", "../../ops-checks.yaml"), ("--policy", str(top / "ops-checks.yaml"))):
        told = run(*more, "check", "-f", "json")
        assert (told.code, told.err) == (0, "")
        found = [read["path"] for read in json.loads(told.out)["inputs"]]
        assert [os.path.samefile(path, top / name) for path, name in zip(found[1:], (QUEUE, DB, LOG), strict=True)]
    assert run("status").out.startswith("summary PENDING=1 ")
    assert run("cancel", "--id", "ORCH-1").code == 0
    assert "BLOCKED" in (top / QUEUE).read_text()


def test_a_default_path_of_the_current_folder_comes_first(top: Path, run: Callable[..., Told]) -> None:
    """What exists here is what is meant, and a note says so for each path; one that is named needs no note."""
    (top / "a/b/automation/orchestrator").mkdir(parents=True)
    make_markdown(top / "a/b" / QUEUE, [item("ORCH-7")])
    note = f"note: {QUEUE}: the one in the current folder is read, not ../../{QUEUE}\n"
    told = run("check", "-f", "text")
    assert (told.code, told.err) == (1, note)
    assert f"read: queue {QUEUE} (1 item)" in told.out
    assert f"read: db ../../{DB} (1 item)" in told.out
    assert note in told.out
    cancelled = run("cancel", "--id", "ORCH-7")
    assert (cancelled.code, cancelled.err) == (
        0,
        f"{note}note: ../../{DB}: has no item ORCH-7: see `ops-checks drift`\n",
    )
    assert run("--queue", QUEUE, "status").err == f"note: {QUEUE} was read, ../../{DB} was not\n"


def test_a_policy_elsewhere_moves_no_default(top: Path, run: Callable[..., Told]) -> None:
    """A policy that is named and lies in a folder of its own leaves the default paths where they were."""
    (top / "conf").mkdir()
    (top / "conf/strict.yaml").write_text(POLICY)
    os.chdir(top)
    told = run("--policy", "conf/strict.yaml", "check", "-f", "text")
    assert (told.code, told.err) == (0, "")
    assert f"read: queue {QUEUE} (1 item)" in told.out


def test_the_policy_is_an_input_of_the_report(top: Path, run: Callable[..., Told]) -> None:
    """Path and digest of the policy are in the report; without one it says that the defaults hold."""
    digest = "sha256:" + hashlib.sha256(POLICY.encode()).hexdigest()
    report = json.loads(run("check", "-f", "json").out)
    assert report["policy"] == {"path": "../../ops-checks.yaml", "digest": digest}
    assert {"kind": "policy", "path": "../../ops-checks.yaml", "state": digest}.items() <= report["inputs"][0].items()
    assert f"\nread: policy ../../ops-checks.yaml ({digest})\n" in run("check", "-f", "text").out
    assert f"\n- Read: policy `../../ops-checks.yaml` ({digest})\n" in run("check", "-f", "markdown").out
    metric = f'ops_checks_policy{{path="../../ops-checks.yaml",digest="{digest}"}} 1'
    assert f"\n{metric}\n" in run("check", "-f", "openmetrics").out

    os.chdir(top)
    (top / "ops-checks.yaml").rename(top / "other.yaml")
    assert json.loads(run("check", "-f", "json").out)["policy"] == {"path": None, "digest": None}
    assert "\nread: policy none, defaults\n" in run("check", "-f", "text").out


@pytest.mark.parametrize("key", ["&a kpi", "!!str kpi", "! kpi", "!x kpi", "&a 'kpi'", "? &a kpi\n", "*a "])
@pytest.mark.parametrize("inside", ["", "kpi:\n  "])
def test_properties_of_keys(top: Path, run: Callable[..., Told], key: str, inside: str) -> None:
    """An anchor, an alias and a tag are refused on a key as on a value, at every level."""
    (top / "ops-checks.yaml").write_text(f"{inside}{key}: {{}}\n")
    for command in ("check", "policy", "kpi"):
        told = run(command, *(["check"] if command == "policy" else []))
        assert (told.code, told.out) == (4, "")
        assert any(word in told.err for word in ("an anchor (`&`)", "a tag (`!`)", "a key that is no plain word"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_change_no_meaning(top: Path, run: Callable[..., Told], end: str) -> None:
    """A policy that makes the document read-only does so for the gate and the commands, whatever ends its lines."""
    os.chdir(top)
    before = (top / QUEUE).read_bytes()
    text = f"kpi:{end}  on_insufficient: pass{end}source_of_truth: db{end}"
    (top / "ops-checks.yaml").write_bytes(text.encode())
    assert run("policy", "check").code == 0
    assert run("check").code == 0
    refused = run("--queue", QUEUE, "cancel", "--id", "ORCH-1")
    assert (refused.code, (top / QUEUE).read_bytes()) == (5, before)


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("command", [("check",), ("policy", "check"), ("cancel", "--id", "ORCH-1")])
def test_a_line_end_to_some_readers_only(
    top: Path, run: Callable[..., Told], end: str, command: tuple[str, ...]
) -> None:
    """What an editor shows as a comment, and the parser would read as a setting, is refused by all in one line."""
    (top / "ops-checks.yaml").write_text(f"kpi: {{}}\n# note{end}source_of_truth: db\n", encoding="utf-8")
    told = run(*command)
    assert (told.code, told.out) == (4, "")
    assert told.err == (
        f"error: ../../ops-checks.yaml:2:7: top level: U+{ord(end):04X} ends a line to some readers only; "
        "use a plain line end or an escape\n"
    )


def test_a_folder_that_cannot_be_looked_at_is_no_folder_without_a_policy(
    top: Path, run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk fails on the way up, the check is not made without the policy that may be there: exit 3."""
    stat = os.stat

    def failing(path: object, **how: object) -> os.stat_result:
        if path == "../":
            raise OSError(errno.EIO, "Input/output error")
        return stat(path, **how)  # type: ignore[arg-type] # whatever os.stat takes

    monkeypatch.setattr(os, "stat", failing)
    found = run("check")
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        "error: ../: cannot be looked at for a policy (Input/output error): check the disk, or name it with --policy\n"
    )
    assert top.is_dir()


@pytest.fixture
def bare(top: Path) -> Path:
    """Return the project without a policy; the current folder is two below it."""
    (top / "ops-checks.yaml").unlink()
    return top


@pytest.mark.parametrize(
    "argv",
    [
        ("status",),
        ("workers",),
        ("list", "-f", "ids"),
        ("show", "ORCH-1"),
        ("cancel", "--id", "ORCH-1", "--dry-run"),
        ("consistency-check",),
        ("kpi", "--log-path", "../../" + LOG),
        ("drift",),
        ("wait", "--for", "consistent", "--timeout", "0s"),
        ("__complete", "fish", "show", ""),
    ],
)
def test_a_project_without_a_policy_is_found_from_below(
    bare: Path, run: Callable[..., Told], argv: tuple[str, ...]
) -> None:
    """Every command finds the nearest folder that has a queue, and says of it what it says there."""
    below = run(*argv)
    os.chdir(bare)
    here = run(*[arg.removeprefix("../../") for arg in argv])
    assert below.code == here.code
    assert below.out.replace("../../", "") == here.out
    assert "ORCH-1" in below.out or below.code == 0


@pytest.mark.parametrize(
    ("make", "queue"),
    [
        (lambda _: None, "../../" + QUEUE),
        (lambda top: (top / QUEUE).unlink(), "../../" + QUEUE),  # the database is there
        (lambda top: (top / "a/b/.git").mkdir(), None),
        (lambda top: (top / "a/.git").mkdir(), None),
        (lambda top: (top / ".git").mkdir(), "../../" + QUEUE),
        (lambda top: (top / "a" / QUEUE).mkdir(parents=True), "../" + QUEUE),
        (lambda top: (top / "a/b" / QUEUE).mkdir(parents=True), QUEUE),
        (lambda top: top.chmod(0o777), None),
        (lambda top: (top / "a").chmod(0o777), "../../" + QUEUE),
        (lambda top: (top / "a/ops-checks.yaml").write_text(POLICY), "../" + QUEUE),  # a policy comes first
        pytest.param(lambda top: os.chown(top / QUEUE, 4711, 4711), None, marks=ROOT_ONLY),
    ],
)
def test_which_folder_is_the_project(bare: Path, make: Callable[[Path], object], queue: str | None) -> None:
    """The nearest one up to the repository's root that has a queue and can be trusted; else the current one."""
    make(bare)
    context = resolve({})
    assert (context.queue, bool(context.looked)) == (queue or QUEUE, queue is None)


def test_a_strange_queue_above_is_told(bare: Path, run: Callable[..., Told]) -> None:
    """A queue that is passed over is named, and so is where was looked."""
    bare.chmod(0o777)
    told = run("status")
    where = f"looked in {bare / 'a/b'} and above it, up to "
    assert (told.code, told.out, told.err.count("\n")) == (3, "", 1)
    advice = (
        "name a Markdown file with --queue, or run `ops-checks init`, with `--from PATH` if the other side has rows"
    )
    assert f"{QUEUE}: no such queue: {advice}; {where}" in told.err
    assert f"; ../../{QUEUE}: not taken, everybody may write to its folder: name it if you trust it" in told.err
    named = run("status", "--queue", "none.md")
    assert (named.code, "looked in" in named.err) == (3, False)


def test_only_the_current_folder_was_looked_in(bare: Path, run: Callable[..., Told]) -> None:
    """At the root of a repository that is the only one; the gate says it too."""
    mark(bare / "a/b")
    assert run("list").err.endswith(f"; looked in {bare / 'a/b'}\n")
    assert run("check").err.endswith(f"note: no project is here: looked in {bare / 'a/b'}\n")


def test_a_folder_that_is_gone(bare: Path) -> None:
    """In a folder that was removed, and has no project above it, nobody knows where was looked."""
    (bare / "a/b").rmdir()
    for name in (QUEUE, DB):
        (bare / name).unlink()
    context = resolve({})
    assert (context.queue, context.looked, context.notes) == (QUEUE, "", ())
    os.chdir(bare)


def test_init_makes_a_project_here(bare: Path, run: Callable[..., Told]) -> None:
    """A queue above without a policy is no reason not to make a new project in the current folder."""
    assert run("init").code == 0
    assert (bare / "a/b" / QUEUE).exists()
    assert not (bare / "ops-checks.yaml").exists()
