"""Find where the base stands in the history of the document: is the document newer than it (rule B5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.files.git_discovery import NoRepository
from ops_checks.reconcile.model import LINEAGE_NO_GIT, LINEAGE_OK, LINEAGE_UNKNOWN
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.files.git_repository import Content, GitRepository, Version

#: Versions of the document that are looked at.
MOST_VERSIONS = 10_000
_SHORT_COMMIT = 7


class Lineage(NamedTuple):
    """Whether the document came after the base (LINEAGE_OK, …), and if that is unknown why, in one line."""

    state: str
    message: str = ""


class Start(NamedTuple):
    """Where the base stands in the history: a commit, None for nowhere, and the newer versions of the document."""

    lineage: Lineage
    commit: str | None = None
    newer: Sequence[Version] = ()


def find_start(repository: GitRepository | NoRepository, md_commit: str | None, md_digest: str) -> Start:
    """Return where the base stands, which recorded a commit and the document's digest. Raises GitError."""
    if isinstance(repository, NoRepository):
        absent = repository.absent and md_commit is None
        return Start(Lineage(LINEAGE_NO_GIT) if absent else Lineage(LINEAGE_UNKNOWN, repository.reason))
    if repository.head is None:
        nothing = Lineage(LINEAGE_UNKNOWN, "nothing is committed, and the baseline names a commit")
        return Start(Lineage(LINEAGE_NO_GIT) if md_commit is None else nothing)
    commit = md_commit if md_commit and repository.is_ancestor(md_commit, repository.head) else None
    if commit is None:
        versions = _versions(repository)
        if not (versions or repository.is_shallow or _may_hold(repository, md_commit)):
            return Start(Lineage(LINEAGE_NO_GIT))
        commit = _with_digest(repository, versions[:MOST_VERSIONS], md_commit, md_digest)
        if commit is None:
            return Start(_not_found(repository, md_commit, len(versions)))
    newer = _versions(repository, commit)
    if len(newer) > MOST_VERSIONS:
        return Start(Lineage(LINEAGE_UNKNOWN, f"over {MOST_VERSIONS:,} versions since the baseline"))
    return Start(Lineage(LINEAGE_OK), commit, newer)


def _versions(repository: GitRepository, since: str | None = None) -> Sequence[Version]:
    return repository.versions(most=MOST_VERSIONS + 1, since=since, side_branches=True)


def _may_hold(repository: GitRepository, commit: str | None) -> bool:
    """Return whether a commit may hold the document: git has never touched it if none does."""
    return commit is not None and (not repository.is_ancestor(commit, commit) or repository.has_document(commit))


def _with_digest(
    repository: GitRepository, versions: Sequence[Version], md_commit: str | None, md_digest: str
) -> str | None:
    """Return the commit at which the base stands by its digest, None if no version has it.

    A document that came back to the base's bytes has several. Where the base's own commit is still there, those before
    it are older than the base; of the others the oldest is it: a newer one would hide what moved between.
    """
    contents = repository.documents(version.commit for version in versions)
    equal = [commit for commit, content in contents if content is not None and md_digest in _digests(content)]
    if not equal or md_commit is None or not repository.is_ancestor(md_commit, md_commit):
        return equal[-1] if equal else None
    after = {version.commit for version in _versions(repository, md_commit)}
    newer = [commit for commit in equal if commit in after]
    if newer:
        return newer[-1]
    # the document had the base's bytes before; what changed it then, before the base, is no move since
    return equal[0] if after.issuperset(version.commit for version in _versions(repository, equal[0])) else None


def _digests(content: Content) -> tuple[str, str]:
    """Return the digests of a version as it is, and as git checks it out where it converts line ends."""
    plain, converted = hashlib.sha256(), hashlib.sha256()
    for block in content.blocks:
        plain.update(block)
        converted.update(block.replace(b"\n", b"\r\n"))
    return f"sha256:{plain.hexdigest()}", f"sha256:{converted.hexdigest()}"


def _not_found(repository: GitRepository, md_commit: str | None, versions: int) -> Lineage:
    """Return the lineage of a base that is not in the history, with what to do."""
    if repository.is_shallow:
        return Lineage(LINEAGE_UNKNOWN, "the history is shallow and ends before the baseline: git fetch --unshallow")
    if versions > MOST_VERSIONS:
        return Lineage(LINEAGE_UNKNOWN, f"over {MOST_VERSIONS:,} versions, none of them the baseline's")
    base = f"commit {visible(md_commit[:_SHORT_COMMIT])}" if md_commit else "document"
    return Lineage(LINEAGE_UNKNOWN, f"the baseline's {base} is not in the history of the commit that is checked out")
