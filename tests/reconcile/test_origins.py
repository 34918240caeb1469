"""Origins and moves in histories of any shape are those that a plain walk along the parents finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import document, item
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.files.git_repository import Version
from ops_checks.reconcile.origins import Origins
from ops_checks.reconcile.there_and_back import ThereAndBack
from ops_checks.reconcile.versions import RowReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.model import Item
    from ops_checks.reconcile.versions import Rows

IDS = ("ORCH-1", "ORCH-2")
UNITS = ("priority", "notes")
#: The priority and the notes of an item in a version, None where it has no row.
CELLS = st.none() | st.tuples(st.sampled_from(["P0", "P1"]), st.sampled_from(["", "x"]))


class History:
    """A history: by commit, newest first, its parents and its items."""

    def __init__(self, parents: list[list[int]], cells: list[dict[str, tuple[str, str] | None]]) -> None:
        reached = {0}
        for number, above in enumerate(parents):
            reached |= set(above) if number in reached else set()
        self.parents = {str(n): [str(parent) for parent in parents[n]] for n in sorted(reached)}
        self.items = {str(n): {i: _item(i, found) for i, found in cells[n].items() if found} for n in sorted(reached)}
        self.versions = [Version(commit, tuple(above)) for commit, above in self.parents.items()]

    def rows(self, order: list[str], ids: Iterable[str] = IDS) -> Iterator[tuple[str, Rows | None]]:
        """Yield the rows of commits."""
        reader = RowReader(ids)
        for commit in order:
            data = document(self.items[commit].values()).encode()
            yield commit, reader.read([data], len(data))

    def value(self, commit: str, item_id: str, unit: str) -> str | None:
        """Return a unit in a version, None if there is no row."""
        found = self.items[commit].get(item_id)
        return found and getattr(found, unit)

    def origin(self, commit: str, item_id: str, unit: str) -> str:
        """Return the commit that a value comes from."""
        value = self.value(commit, item_id, unit)
        equal = [parent for parent in self.parents[commit] if self.value(parent, item_id, unit) == value]
        return self.origin(equal[0], item_id, unit) if equal else commit

    def before(self, commit: str) -> set[str]:
        """Return the commits before one."""
        return {older for parent in self.parents[commit] for older in (parent, *self.before(parent))}


def _item(item_id: str, cells: tuple[str, str]) -> Item:
    return item(item_id, priority=cells[0], notes=cells[1])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return a history of a few commits, with branches and merges."""
    size = draw(st.integers(1, 7))
    parents = [
        draw(st.lists(st.integers(n + 1, size - 1), min_size=1, max_size=3, unique=True)) if n + 1 < size else []
        for n in range(size)
    ]
    return History(parents, [{name: draw(CELLS) for name in IDS} for _ in range(size)])


@given(histories())
def test_origins(history: History) -> None:
    """Each value that there is comes from the commit to which the first equal parents lead."""
    now = history.items["0"]
    search = Origins(history.versions, (), dict.fromkeys(IDS, UNITS), now)
    for commit, rows in history.rows(search.order):
        assert not search.done
        search.add(commit, rows)
        if search.done:
            break
    search.give_up()
    for item_id in now:
        for unit in UNITS:
            assert search.found[item_id, unit] == ("commit", history.origin("0", item_id, unit))


@given(histories(), st.data())
def test_origins_in_a_part_of_the_history(history: History, data: st.DataObject) -> None:
    """Where commits are not listed, wherever they stand (dates need not follow the parents), no other one is named."""
    listed = [version for version in history.versions if version.commit == "0" or data.draw(st.booleans())]
    search = Origins(listed, (), dict.fromkeys(IDS, UNITS), history.items["0"])
    assert sorted(search.order) == sorted(version.commit for version in listed)
    for commit, rows in history.rows(search.order):
        search.add(commit, rows)
    search.give_up()
    for item_id in history.items["0"]:
        for unit in UNITS:
            what, commit = search.found[item_id, unit]
            assert what == "at-or-before" or commit == history.origin("0", item_id, unit)


@given(histories())
def test_moves(history: History) -> None:
    """A unit moved if a commit has another value than the base, and one before it had the base's."""
    now = history.items["0"]
    search = ThereAndBack(history.versions, {item_id: (found, UNITS) for item_id, found in now.items()})
    for commit, rows in history.rows(search.order, now):
        search.add(commit, rows)
    expected = {
        (item_id, unit)
        for item_id in now
        for unit in UNITS
        for commit in history.parents
        if history.value(commit, item_id, unit) not in {None, history.value("0", item_id, unit)}
        and any(history.value(old, item_id, unit) == getattr(now[item_id], unit) for old in history.before(commit))
    }
    assert search.found == expected
