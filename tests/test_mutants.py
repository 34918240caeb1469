"""Mutants: what `ci/campaign mutants` makes of a source, what a seed draws, and that survivors are told."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.campaigns import defects, mutants
from tests.campaigns.equivalents import EQUIVALENTS, Equivalent
from tests.campaigns.mutations import edits, valid


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("x = a < b", "x = a <= b|x = a >= b"),
        ("x = a not  in (b)", "x = a in (b)"),
        ("x = a is b", "x = a is not b"),
        (
            "x = a and (b or c)",
            "x = True and (b or c)|x = a and (True)|x = a or (b or c)|x = a and (b and c)|"
            "x = a and (False or c)|x = a and (b or False)",
        ),
        ("x = not (a)", "x = (a)"),
        ("x = a + b", "x = a - b"),
        ("x += a", "x = a|x -= a|pass"),
        ("x = 1, 0.5, True", "x = 0, 0.5, True|x = 1, 1.5, True|x = 2, 0.5, True|x = 1, -0.5, True|x = 1, 0.5, False"),
        ("x = 'a', '', b'a'", "x = '', '', b'a'|x = 'a', 'mutated', b'a'|x = 'a', '', b''"),
        ("if a:\n  b()", "if False:\n  b()|if True:\n  b()|if not (a):\n  b()|if a:\n  pass"),
        ("while a:\n  break", "while False:\n  break|while not (a):\n  break|while a:\n  continue|while a:\n  pass"),
        (
            "x = [a for a in b if a > c]",
            "x = [a for a in b if False]|x = [a for a in b if True]|"
            "x = [a for a in b if a <= c]|x = [a for a in b if a >= c]",
        ),
        ("f(a, (b), c=d)", "f(b, (a), c=d)|pass"),
        ("x = f(a=b, c=d)", "x = f(a=b)|x = f(c=d)"),
        ("@f(a=b)\nclass X(Y, c=d): z: int", "@f()\nclass X(Y, c=d): z: int|@f(a=b)\nclass X(Y): z: int"),
        ("class X(Y, frozen=True): z: int", ""),
        (
            "def f():\n  if a == b:\n    return\n  c = d\n  return",
            "def f():\n  if a == b:\n    pass\n  c = d\n  return|"
            "def f():\n  if a != b:\n    return\n  c = d\n  return|def f():\n  if True:\n    return\n  c = d\n  return|"
            "def f():\n  if False:\n    return\n  c = d\n  return",
        ),
        ("x = min(a, b)", "x = max(a, b)"),
        ("x = a.min(b)", "x = a.max(b)"),
        ("raise a", "pass"),
        ("a.b = c", "pass"),
        ("def f(a: 'X') -> 'Y':\n  return a", "def f(a: 'X') -> 'Y':\n  return None"),
        ("def f():\n  return a == b", "def f():\n  return True|def f():\n  return False|def f():\n  return a != b"),
        (
            "try: a=b\nexcept (B, C): a=b",
            "try: a=b\nexcept (ZeroDivisionError, C): a=b|try: a=b\nexcept (B, ZeroDivisionError): a=b",
        ),
        ("x = f'SELECT a FROM {b} ORDER BY a DESC'", "x = f'SELECT a FROM {b} ORDER BY a ASC'"),
        ("x = 'SELECT a FROM b WHERE a = ?'", "x = 'SELECT a FROM b WHERE a <> ?'"),
        ("x = 'ä', a < b  # ö", "x = '', a < b  # ö|x = 'ä', a <= b  # ö|x = 'ä', a >= b  # ö"),
        ("'''Say.'''\nimport a\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n  a.b = 1\n__all__ = ['a']", ""),
        ("x = f'{a + 1} of', 'this is some prose'", ""),
    ],
)
def test_a_source_is_mutated(source, mutated):
    """Each kind of mutation, as the sources it makes; what is not mutated makes none."""
    text = source.encode()
    made = {edit.applied(text).decode() for edit in edits(text) if valid(text, edit)}
    assert made == set(mutated.split("|")) - {""}


def test_what_is_not_python_and_what_is_the_same_are_not_valid():
    """An argument that takes a bracket with it is not left out, and two equal ones are not swapped."""
    assert not any(valid(b"x = f(a, a)", edit) for edit in edits(b"x = f(a, a)"))
    assert not any(valid(b"x = f((a), b=c)", edit) for edit in edits(b"x = f((a), b=c)"))


def test_a_seed_draws_the_same_where_lines_move(monkeypatch, tmp_path):
    """Lines that are moved, and other lines that are added, leave the order of what is drawn."""
    monkeypatch.setattr(mutants, "_PROGRAM", tmp_path)
    file = tmp_path / "transitions.py"
    file.write_text("x = a + b\ny = c < d\nz = x - 1\nz = x - 1\n")
    first = [(each.old, each.new) for each in mutants.drawn(7)]
    file.write_text("# other\nz = x - 1\nx = a + b\n\ny = c < d\nz = x - 1\nw = e and f\n")
    again = [(each.old, each.new) for each in mutants.drawn(7) if not each.old.startswith("w")]
    assert [len(first), len({old for old, _ in first[:4]})] == [9, 3]
    assert again == first
    assert [(each.old, each.new) for each in mutants.drawn(8)] != first


@pytest.mark.parametrize("equivalent", EQUIVALENTS, ids=lambda each: f"{each.file}: {each.new}")
def test_an_equivalent_is_a_mutant(equivalent):
    """Every entry of the equivalents is a mutation that would be drawn: one whose line is gone is taken out."""
    every = (each for _, of_line in mutants.lines(equivalent.file) for each in of_line)
    assert equivalent[:4] in {(each.file, each.scope, each.old, each.new) for each in every}
    assert len(equivalent.reason.split()) > 3


def test_survivors_are_told_and_equivalents_are_not_drawn(monkeypatch):
    """A mutant that no test fails for is a failure with file, line and diff; one that is equivalent is not drawn."""
    monkeypatch.setattr(defects, "failing", lambda *_: "")
    first = next(mutants.drawn(1))
    outcome = mutants.run(1, lambda _: None, seed=1)
    assert (outcome.exit_code, outcome.figures) == (1, {"mutants": 1, "killed": 0})
    (told,) = outcome.failures
    assert told.startswith(f"survived: ops_checks/{first.file}:{first.line}\n--- ops_checks/{first.file}\n+++ ")
    assert first.new.splitlines()[0] in told
    monkeypatch.setattr(
        mutants, "EQUIVALENTS", (Equivalent(first.file, first.scope, first.old, first.new, "a reason"),)
    )
    assert first not in islice(mutants.drawn(1), 50)


def test_every_file_has_tests_near_to_it():
    """The tests that are asked first exist: pytest would fail for one that does not, and the mutant count as killed."""
    near = {test for file in mutants.files() for test in mutants.nearest(file)}
    assert len(near) == 7
    assert all((mutants._PROGRAM.parent / test).exists() for test in near)
