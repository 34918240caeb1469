"""Mutants: single random changes of stores, transitions, rules, gate, run log and policy are noticed by the tests.

`size` is how many are drawn, one of a line before a second of any line. What a seed draws depends on the text of
each line alone, so that a change elsewhere draws the same again. Nearest tests are asked first, then all; those
that survive are told with file, line and diff. `equivalents` are not drawn.
"""

from __future__ import annotations

import ast
import difflib
import shutil
import tempfile
from collections import Counter
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.campaigns.common import Outcome, Tally
from tests.campaigns.defects import Suite, copied
from tests.campaigns.equivalents import EQUIVALENTS
from tests.campaigns.mutations import Edit, edits, valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = 1
LONG = 500

#: The first that this seed draws are noticed by the tests nearest to them.
_SEED = 22
_PROGRAM = Path(__file__).parent.parent.parent / "ops_checks"
_MUTATED = ("stores", "transitions.py", "rules", "gate", "runlog", "policy")
#: Tests of other folders that are near to a file.
_NEAR = {
    "stores": ("tests/contract",),
    "transitions.py": ("tests/contract",),
    "rules": ("tests/gate", "tests/policy"),
    "gate": ("tests/rules",),
}


class Mutant(NamedTuple):
    """An edit of a file of the program: the number of its first line, and its lines before and after.

    `scope` are the names of the classes and functions around it.
    """

    file: str
    line: int
    scope: str
    old: str
    new: str
    edit: Edit

    def source(self) -> bytes:
        """Return the mutated file."""
        return self.edit.applied((_PROGRAM / self.file).read_bytes())

    def diff(self) -> str:
        """Return the mutation as a unified diff."""
        before, after = (text.decode().splitlines() for text in ((_PROGRAM / self.file).read_bytes(), self.source()))
        name = f"ops_checks/{self.file}"
        return "\n".join(difflib.unified_diff(before, after, name, name, lineterm=""))


def run(size: int, report: Callable[[str], None], seed: int = _SEED) -> Outcome:
    """Plant `size` mutants, one at a time; `killed` counts those that a test failed for."""
    tally = Tally()
    tally.figures["mutants"] = tally.figures["killed"] = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        tree = copied(Path(name))
        suite = Suite(tree)
        for mutant in islice(drawn(seed), size):
            path = tree / "ops_checks" / mutant.file
            path.write_bytes(mutant.source())
            how = suite.noticing(mutant.file, nearest(mutant.file))
            shutil.copy(_PROGRAM / mutant.file, path)
            tally.count("mutants")
            tally.count("killed", int(bool(how)))
            where = f"ops_checks/{mutant.file}:{mutant.line}"
            report(f"{where}: {mutant.new.splitlines()[0]!r}: {how or 'SURVIVED'}")
            if not how:
                tally.failures.append(f"survived: {where}\n{mutant.diff()}")
    return tally.outcome({"mutants": size, "killed": 1})


def nearest(file: str) -> list[str]:
    """Return the tests nearest to a file of the program: those of its folder, and those that use it most."""
    first = Path(file).parts[0]
    mirrored = f"tests/test_{first}" if first.endswith(".py") else f"tests/{first}"
    return [mirrored, *_NEAR.get(first, ())]


def drawn(seed: int) -> Iterator[Mutant]:
    """Stream mutants in the order in which a seed draws them: one of each line, then the second of each, and so on."""
    equivalent = {each[:4] for each in EQUIVALENTS}
    order = []
    for file in files():
        seen: Counter[str] = Counter()
        for text, mutants in lines(file):
            seen[text] += 1
            line = _digest(seed, file, text, seen[text])
            shuffled = sorted(mutants, key=lambda each: _digest(seed, each.old, each.new, each.edit.text))
            drawable = (each for each in shuffled if (file, each.scope, each.old, each.new) not in equivalent)
            order += [(number, line, each) for number, each in enumerate(drawable)]
    for _, _, mutant in sorted(order):
        if valid((_PROGRAM / mutant.file).read_bytes(), mutant.edit):
            yield mutant


def files() -> list[str]:
    """Return the files of the program that are mutated."""
    paths = sorted(_PROGRAM.rglob("*.py"))
    names = [path.relative_to(_PROGRAM) for path in paths]
    return [str(name) for name in names if name.parts[0] in _MUTATED]


def lines(file: str) -> Iterator[tuple[str, list[Mutant]]]:
    """Stream the lines of a file that can be mutated, each with its mutants."""
    source = (_PROGRAM / file).read_bytes()
    scopes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for number, of_line in groupby(edits(source), key=lambda edit: source.count(b"\n", 0, edit.start) + 1):
        text = source.split(b"\n")[number - 1].decode().strip()
        scope = ".".join(node.name for node in scopes if node.lineno <= number <= (node.end_lineno or 0))
        yield text, [Mutant(file, number, scope, *_lines(source, edit), edit) for edit in of_line]


def _lines(source: bytes, edit: Edit) -> tuple[str, str]:
    """Return the lines of an edit before and after, without their indents."""
    start = source.rfind(b"\n", 0, edit.start) + 1
    end = source.find(b"\n", edit.end)
    after = source[start : edit.start] + edit.text.encode() + source[edit.end : end]
    old, new = ("\n".join(line.strip() for line in text.decode().splitlines()) for text in (source[start:end], after))
    return old, new


def _digest(seed: int, *texts: object) -> bytes:
    return sha256(repr((seed, *texts)).encode()).digest()
