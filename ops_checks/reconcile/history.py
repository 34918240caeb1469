"""Ask git about the document: is it newer than the base, what moved and came back, who changed a cell.

RECONCILE section 3, rules B4 and B5, and section 14. Whatever is wrong with git or the repository is an answer and no
error. A document that was renamed has the history of its present name.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ops_checks.files.git_discovery import NoRepository
from ops_checks.files.git_process import GitError, GitTimeoutError
from ops_checks.files.git_repository import GitRepository, open_repository
from ops_checks.model import NOTHING
from ops_checks.reconcile.blame import COMMIT, UNKNOWN, Blame, unknown
from ops_checks.reconcile.commits import describe
from ops_checks.reconcile.lineage import Lineage, Start, find_start
from ops_checks.reconcile.model import LINEAGE_UNKNOWN
from ops_checks.reconcile.origins import Origins
from ops_checks.reconcile.there_and_back import ThereAndBack
from ops_checks.reconcile.units import ROW
from ops_checks.reconcile.versions import RowReader, Rows
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.model import Item
    from ops_checks.timestamps import Zone

    #: Units by the id of their item.
    Wanted = Mapping[str, Collection[str]]
    #: Rows of the document as it is, by id: line number and item. An id that is not in it has no row.
    Now = Mapping[str, tuple[int, Item]]

#: Versions that are looked at for a line of blame.
MOST_BLAMED = 200
#: How long the lines of blame may take, in seconds. No plan depends on it.
_BLAME_S = 5.0
_MOST_VERSION_BYTES = 1 << 29
_SHORT_COMMIT = 7


class DocumentHistory:
    """The history of the document at a path in git; a context manager. Git is asked when something is first wanted.

    `zone` is the queue's. `remarks` has lines on what was passed over; read it at the end.
    """

    def __init__(self, document: str, *, zone: Zone, blame_s: float = _BLAME_S, silent_s: float | None = None) -> None:
        self._document = document
        self._zone = zone
        self._blame_s = blame_s
        self._options = {} if silent_s is None else {"silent_s": silent_s}
        self._opened: GitRepository | NoRepository | None = None
        self._starts: dict[tuple[str | None, str], Start] = {}
        self._skipped: dict[str, None] = {}
        self._failures: list[str] = []

    def __enter__(self) -> Self:
        """Return the history."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was made to read the repository."""
        self.close()

    def close(self) -> None:
        """Remove what was made to read the repository."""
        if isinstance(self._opened, GitRepository):
            self._opened.close()

    @property
    def head(self) -> str | None:
        """The commit that is checked out, for the base to record; None without git or before the first commit."""
        repository = self._repository
        return repository.head if isinstance(repository, GitRepository) else None

    @property
    def remarks(self) -> list[str]:
        """Lines on versions that could not be read as a queue, and on failures of git."""
        path = visible(self._document)
        remarks = [f"{path}: {failure}" for failure in self._failures]
        if self._skipped:
            newest = next(iter(self._skipped))[:_SHORT_COMMIT]
            remarks.append(f"{path}: versions in git that are no readable queue: {len(self._skipped)} ({newest}, …)")
        return remarks

    def lineage(self, md_commit: str | None, md_digest: str) -> Lineage:
        """Return whether the document came after the base, which recorded a commit and the document's digest (B5).

        `md_digest` is `sha256:` and hex digits, over the document's bytes: after a squash or a rebase that version is
        looked for. One with LF counts too where the base saw CRLF, as git may convert them.
        """
        return self._start(md_commit, md_digest).lineage

    def touched(self, md_commit: str | None, md_digest: str, wanted: Wanted, now: Now) -> frozenset[tuple[str, str]]:
        """Return the pairs of id and unit that moved in the document since the base and came back (B4).

        Every unit that is wanted equals its base now. Empty if it is unknown where the base stands. If git fails while
        the versions are read all of them count as moved, so that a person is asked, and a remark says so.
        """
        start = self._start(md_commit, md_digest)
        base = {
            item_id: (now[item_id][1], [unit for unit in units if unit != ROW])
            for item_id, units in wanted.items()
            if item_id in now
        }
        if start.commit is None or not base:
            return frozenset()
        search = ThereAndBack(start.newer, base)
        try:
            for commit, rows in self._rows(RowReader(base), search.order):
                search.add(commit, rows)
        except GitError as error:
            self._failures.append(f"its versions since the baseline cannot be read ({error}): asked about each move")
            return frozenset((item_id, unit) for item_id, (_, units) in base.items() for unit in units)
        return frozenset(search.found)

    def blame(self, wanted: Wanted, now: Now) -> dict[tuple[str, str], Blame]:
        """Return who last changed each unit in the document, by id and unit; never fails, but may not know.

        200 versions are looked at, for five seconds: then a cell was changed `at or before` the last of them.
        """
        pairs = [(item_id, unit) for item_id, units in wanted.items() for unit in units]
        try:
            origins = self._origins(wanted, now)
        except GitError as error:
            return dict.fromkeys(pairs, unknown(str(error)))
        if isinstance(origins, Blame):
            return dict.fromkeys(pairs, origins)
        described = self._described({origin.commit for origin in origins.found.values() if origin.commit})
        blames = {}
        for item_id, unit in pairs:
            origin = origins.found[item_id, unit]
            line = now[item_id][0] if item_id in now else None
            if origin.what == UNKNOWN:
                blames[item_id, unit] = unknown("no version that can be read has it")
            elif origin.what == COMMIT:
                who, when, subject = described.get(origin.commit, (None, None, None))
                blames[item_id, unit] = Blame(COMMIT, who, when, origin.commit, line, subject=subject)
            else:
                blames[item_id, unit] = Blame(origin.what, commit=origin.commit or None, line=line)
        return blames

    def version(self, revision: str) -> tuple[str, str, str, Iterator[bytes]]:
        """Return the document at a revision: its commit, the queue time and the author of that, the document's blocks.

        Raises GitError if there is no such commit; reading the blocks raises it if there is no such version.
        """
        repository = self._readable()
        commit = repository.commit_of(revision)
        who, when, _ = describe(repository, {commit}, self._zone).get(commit, (NOTHING, NOTHING, ""))
        return commit, when, who, self._blocks(repository, commit)

    def _blocks(self, repository: GitRepository, commit: str) -> Iterator[bytes]:
        for _, content in repository.documents([commit]):
            if content is None or content.kind != "blob":
                raise GitError(f"no {visible(repository.path)} can be read in {commit[:_SHORT_COMMIT]}")
            if content.size > _MOST_VERSION_BYTES:
                raise GitError(f"over {_MOST_VERSION_BYTES:,} bytes in {commit[:_SHORT_COMMIT]}")
            yield from content.blocks

    def _origins(self, wanted: Wanted, now: Now) -> Origins | Blame:
        """Return the finished search for origins, or the one blame for all. Raises GitError."""
        repository = self._readable()
        until = time.monotonic() + self._blame_s
        versions = repository.versions(most=MOST_BLAMED, until=until)
        if not versions or not repository.has_document(versions[0].commit):
            return unknown("not in git's last commit")
        items = {item_id: item for item_id, (_, item) in now.items() if item_id in wanted}
        origins = Origins(versions, repository.shallow, wanted, items)
        try:
            for commit, rows in self._rows(RowReader(wanted), origins.order, until):
                origins.add(commit, rows)
                if origins.done:
                    break
        except GitTimeoutError:
            pass
        origins.give_up()
        return origins

    def _described(self, commits: set[str]) -> dict[str, tuple[str, str, str]]:
        try:
            return describe(self._readable(), commits, self._zone)
        except GitError:
            return {}

    def _readable(self) -> GitRepository:
        """Return the repository. Raises GitError with the reason if there is none that can be read."""
        repository = self._repository
        if isinstance(repository, NoRepository):
            raise GitError(repository.reason)
        return repository

    @property
    def _repository(self) -> GitRepository | NoRepository:
        if self._opened is None:
            self._opened = open_repository(self._document, **self._options)
        return self._opened

    def _start(self, md_commit: str | None, md_digest: str) -> Start:
        key = (md_commit, md_digest)
        if key not in self._starts:
            try:
                self._starts[key] = find_start(self._repository, md_commit, md_digest)
            except GitError as error:
                self._starts[key] = Start(Lineage(LINEAGE_UNKNOWN, str(error)))
                if isinstance(error, GitTimeoutError):  # it would take as long again for every other question
                    self.close()
                    self._opened = NoRepository(str(error))
        return self._starts[key]

    def _rows(
        self, reader: RowReader, commits: Sequence[str], until: float | None = None
    ) -> Iterator[tuple[str, Rows | None]]:
        """Stream the rows of the document in some commits, None for a version that cannot be read. Raises GitError."""
        repository = self._readable()
        for commit, content in repository.documents(commits, until=until):
            rows: Rows | None = None
            if content is None and not repository.has_document(commit):
                rows = Rows({})
            elif content is not None and content.kind == "blob" and content.size <= _MOST_VERSION_BYTES:
                rows = reader.read(content.blocks, content.size)
            if rows is None:
                self._skipped.setdefault(commit)
            yield commit, rows
