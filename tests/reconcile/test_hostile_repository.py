"""No program that a repository names is run when its document's history is read (RECONCILE section 14)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from builders import digest, document, item
from git_projects import GitProject, program

from ops_checks.files.git_process import GitError
from ops_checks.reconcile.blame import blame_line
from ops_checks.reconcile.units import UNITS

if TYPE_CHECKING:
    from pathlib import Path

#: Settings that name a program, with `{}` for it; every one is told from the others by what the program is called with.
PROGRAMS = {
    "core.fsmonitor": "{}",
    "core.pager": "{}",
    "core.editor": "{}",
    "core.askPass": "{}",
    "core.sshCommand": "{}",
    "core.gitProxy": "{}",
    "core.alternateRefsCommand": "{}",
    "core.hooksPath": "{hooks}",
    "pager.log": "{}",
    "pager.rev-parse": "{}",
    "pager.rev-list": "{}",
    "alias.rev-parse": "!{}",
    "alias.rev-list": "!{}",
    "alias.cat-file": "!{}",
    "credential.helper": "!{}",
    "diff.external": "{}",
    "diff.trap.command": "{}",
    "diff.trap.textconv": "{}",
    "filter.trap.clean": "{}",
    "filter.trap.smudge": "{}",
    "filter.trap.process": "{}",
    "merge.trap.driver": "{}",
    "gpg.program": "{}",
    "gpg.openpgp.program": "{}",
    "gpg.ssh.program": "{}",
    "gpg.x509.program": "{}",
    "gpg.ssh.defaultKeyCommand": "{}",
    "interactive.diffFilter": "{}",
    "sequence.editor": "{}",
    "trailer.trap.command": "{}",
    "trailer.trap.cmd": "{}",
    "uploadpack.packObjectsHook": "{}",
    "remote.origin.uploadpack": "{}",
    "remote.origin.receivepack": "{}",
    "remote.origin.url": "ext::{}",
    "protocol.ext.allow": "always",
    "submodule.trap.update": "!{}",
    "difftool.trap.cmd": "{}",
    "mergetool.trap.cmd": "{}",
    "man.trap.cmd": "{}",
    "browser.trap.cmd": "{}",
    "sendemail.smtpServer": "{}",
    "log.showSignature": "true",
    "merge.verifySignatures": "true",
    "blame.ignoreRevsFile": "/nowhere",
    "core.attributesFile": "{attributes}",
    "init.templateDir": "{template}",
    "core.untrackedCache": "true",
    "core.worktree": "..",
}
HOOKS = (
    "post-checkout",
    "post-index-change",
    "reference-transaction",
    "pre-auto-gc",
    "fsmonitor-watchman",
    "pre-commit",
)
ATTRIBUTES = "* filter=trap diff=trap merge=trap text eol=crlf ident working-tree-encoding=UTF-8\n"


class Trap:
    """A repository of which every part names a program; `ran` are the programs that did run."""

    def __init__(self, folder: Path) -> None:
        self.project = GitProject(folder / "project")
        self.project.commit([item("ORCH-1", priority="P2"), item("ORCH-2")])
        self.base = self.project.head
        self.project.commit([item("ORCH-1", priority="P0"), item("ORCH-2")])
        self.sign()
        self.project.write([item("ORCH-1", priority="P1"), item("ORCH-2")])
        self._markers = folder / "markers"
        self._markers.mkdir()
        self._programs = folder / "programs"

    @property
    def ran(self) -> set[str]:
        """The names of what ran."""
        return {path.name for path in self._markers.iterdir()}

    def program(self, name: str) -> str:
        """Return a program that leaves a marker of a name."""
        path = program(self._programs / name.replace(" ", "-"), f"touch '{self._markers / name}'")
        return str(path)

    def sign(self) -> None:
        """Let the commit that is checked out have a signature, by nobody."""
        project = self.project
        head, _, message = project.git("cat-file", "commit", "HEAD").partition("\n\n")
        signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
        data = f"{head}\n{signature}\n\n{message}\n".encode()
        commit = project.git("hash-object", "-t", "commit", "-w", "--stdin", data=data)
        project.git("update-ref", "HEAD", commit)

    def arm(self, *names: str) -> None:
        """Put the settings into the repository, all or some, together with attributes and hooks."""
        git_folder = self.project.folder / ".git"
        places = {"hooks": str(git_folder / "hooks"), "template": str(git_folder / "template")}
        for hook in HOOKS:
            for folder in (places["hooks"], places["template"] + "/hooks"):
                path = git_folder / folder / hook
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.symlink_to(self.program(f"hook {hook}"))
        places["attributes"] = str(git_folder / "attributes")
        for path in (git_folder / "attributes", git_folder / "info/attributes", self.project.folder / ".gitattributes"):
            path.write_text(ATTRIBUTES)
        included = git_folder / "included"
        lines = ['[includeIf "gitdir:**"]\n\tpath = included\n', "[include]\n\tpath = included\n"]
        for name in names or PROGRAMS:
            section, _, rest = name.partition(".")
            sub, _, key = rest.rpartition(".")
            value = PROGRAMS[name].format(self.program(name), **places)
            lines.append(f"[{section}" + (f' "{sub}"' if sub else "") + f']\n\t{key} = "{value}"\n')
        included.write_text("".join(lines[2:]))
        with (git_folder / "config").open("a") as config:
            config.writelines(lines)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    """Return a repository that is not armed yet."""
    return Trap(tmp_path)


def test_no_program_of_the_repository_runs(trap: Trap) -> None:
    """Lineage, moves and blame are found out, and nothing ran, and nothing was written."""
    trap.arm()
    project = trap.project
    before = digest(project.folder)
    now, wanted = project.now(), {"ORCH-1": UNITS, "ORCH-2": UNITS}
    with project.history() as history:
        lineage = history.lineage(trap.base, "sha256:" + "0" * 64)
        touched = history.touched(trap.base, "sha256:" + "0" * 64, wanted, now)
        blames = history.blame(wanted, now)
        versions = [history.version(name)[0] for name in ("HEAD", "main", "HEAD^{/}", trap.base)]
        assert b"ORCH-1" in b"".join(history.version("HEAD")[3])
    assert trap.ran == set()
    assert versions[-1] == trap.base
    assert digest(project.folder) == before
    assert lineage.state == "ok"
    assert touched == frozenset()
    assert blames["ORCH-1", "priority"].what == "uncommitted"
    assert blames["ORCH-2", "priority"].commit == trap.base


@pytest.mark.parametrize(
    ("command", "armed", "ran"),
    [
        ("status", "filter.trap.clean", "filter.trap.clean"),
        ("status", "core.fsmonitor", "core.fsmonitor"),
        ("status", "core.hooksPath", "hook post-index-change"),
        ("diff --stat", "filter.trap.clean", "filter.trap.clean"),
        ("diff", "diff.external", "diff.external"),
        ("blame QUEUE.md", "diff.trap.textconv", "diff.trap.textconv"),
        ("show HEAD", "diff.trap.textconv", "diff.trap.textconv"),
        ("log -1 --show-signature", "gpg.program", "gpg.program"),
        ("checkout -f HEAD~1 -- QUEUE.md", "filter.trap.smudge", "filter.trap.smudge"),
        ("update-ref refs/heads/x HEAD", "core.hooksPath", "hook reference-transaction"),
    ],
)
def test_the_trap_is_one(trap: Trap, command: str, armed: str, ran: str) -> None:
    """Git's everyday commands do run what the repository names: the test above can fail."""
    trap.arm(armed)
    os.utime(trap.project.queue, (1, 1))
    trap.project.git(*command.split(), check=False)
    assert ran in trap.ran


def test_a_partial_clone_fetches_nothing(trap: Trap, tmp_path: Path) -> None:
    """What is missing there stays so: to fetch it, git would run what the clone names as its server's program."""
    project = trap.project
    project.git("config", "uploadpack.allowFilter", "true")
    clone = GitProject(tmp_path / "clone")
    clone.git("remote", "add", "origin", f"file://{project.folder}")
    clone.git("fetch", "-q", "--filter=blob:none", "origin", "main")
    clone.git("checkout", "-q", "-B", "main", "FETCH_HEAD")
    clone.git("config", "remote.origin.uploadpack", trap.program("uploadpack"))
    clone.git("config", "core.sshCommand", trap.program("ssh"))
    now = clone.now()
    with clone.history() as history:
        assert history.lineage(trap.base, "").state == "ok"
        assert history.lineage(None, "sha256:0").state == "unknown"
        assert history.touched(trap.base, "", {"ORCH-1": UNITS}, now) == frozenset()
        with pytest.raises(GitError):
            b"".join(history.version("HEAD~1")[3])
        blame = history.blame({"ORCH-1": ["priority"]}, now)["ORCH-1", "priority"]
        assert history.remarks == [f"{clone.queue}: versions in git that are no readable queue: 1 ({trap.base[:7]}, …)"]
    assert blame.what == "at-or-before"
    assert trap.ran == set()
    clone.git("cat-file", "-p", f"{trap.base}:QUEUE.md", check=False)
    assert trap.ran == {"uploadpack"}


def test_objects_that_replace_others_do_not_count(trap: Trap) -> None:
    """A replaced version would be blamed on who never wrote it."""
    project = trap.project
    project.git("replace", project.git("rev-parse", f"{trap.base}:QUEUE.md"), project.git("rev-parse", "HEAD:QUEUE.md"))
    project.git("checkout", "-q", "-f", "HEAD")
    project.write([item("ORCH-1", priority="P0"), item("ORCH-2")])
    with project.history() as history:
        assert history.blame({"ORCH-1": ["priority"]}, project.now())["ORCH-1", "priority"].commit == project.head


def test_texts_of_a_commit_are_only_text(tmp_path: Path) -> None:
    """Author and subject are shown on one line, without a character that a terminal or a runner obeys."""
    project = GitProject(tmp_path)
    project.commit([item()])
    tree = project.git("rev-parse", "HEAD^{tree}")
    who = "::error::\x1b]0;x\x07\u202eM\u2028J <x> 1770566460 +0000"
    text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n\x1b[31m\u202e::error::x\n##[error]y\n\nmore"
    commit = project.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", data=text.encode())
    project.git("update-ref", "HEAD", commit)
    with project.history() as history:
        blame = history.blame({"ORCH-1": ["priority"]}, project.now())["ORCH-1", "priority"]
    line = blame_line("md", blame, "a\nb/QUEUE\x1b.md")
    assert line == (
        f"md: {project.head[:7]} (::error::\\x1b]0;x\\x07\\u202eM\\u2028J, 2026-02-09 01:01) a\\nb/QUEUE\\x1b.md:7"
    )
    assert blame.subject == "\x1b[31m\u202e::error::x ##[error]y"


def test_a_document_that_is_a_trap_itself(tmp_path: Path) -> None:
    """Versions that are links, folders, binary, endless lines or conflicts count for nothing, and that is told."""
    project = GitProject(tmp_path)
    begin = project.commit([item()])
    head, _, rest = document([item()]).partition("| ORCH")
    for text in (
        "no queue\n",
        b"\xff\xfe" + b"\0" * 99,
        "| " * 100_000,
        document([item()]) * 2,
        f"{head}<<<<<<< x\n| ORCH{rest}",
    ):
        project.commit(text)
    project.queue.unlink()
    project.queue.symlink_to("/etc/passwd")
    project.commit()
    project.queue.unlink()
    project.commit([item(), item("ORCH-2")])
    with project.history() as history:
        blames = history.blame({"ORCH-1": ["priority"], "ORCH-2": ["row"]}, project.now())
        (remark,) = history.remarks
    newest = project.git("rev-parse", "HEAD~1")[:7]
    assert remark == f"{project.queue}: versions in git that are no readable queue: 5 ({newest}, …)"
    assert blames["ORCH-1", "priority"].commit == begin
    assert blames["ORCH-2", "row"].commit == project.head
