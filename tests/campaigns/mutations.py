"""Single mutations of Python source: `edits(source)` lists them, each a replacement of one span of bytes.

Only the span is replaced, so that comments and the numbers of the lines before it stay. Not mutated: docstrings,
annotations, imports, `__all__`, `__slots__`, blocks for type checkers, prose, and f-strings but for the SQL in them.
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPARED = {
    b"<": ("<=", ">="),
    b"<=": ("<", ">"),
    b">": (">=", "<="),
    b">=": (">", "<"),
    b"==": ("!=",),
    b"!=": ("==",),
    b"is": ("is not",),
    b"is not": ("is",),
    b"in": ("not in",),
    b"not in": ("in",),
}
_COMPARES = re.compile(rb"not\s+in\b|is\s+not\b|in\b|is\b|[<>=!]=|[<>]")
_COMPUTED = {
    b"+": "-",
    b"-": "+",
    b"*": "//",
    b"/": "*",
    b"//": "*",
    b"%": "*",
    b"**": "*",
    b"<<": ">>",
    b">>": "<<",
    b"|": "&",
    b"&": "|",
}
_COMPUTES = re.compile(rb"//|\*\*|<<|>>|[-+*/%|&]")
_BOOLEAN = {b"and": "or", b"or": "and"}
_BOOLEANS = re.compile(rb"\b(?:and|or)\b")
_SQL = {b"<": "<=", b"<=": "<", b"=": "<>", b"<>": "=", b"AND": "OR", b"OR": "AND", b"DESC": "ASC", b"max": "min"}
_IS_SQL = re.compile(rb"""f?["'](?:SELECT|UPDATE|INSERT|DELETE|CREATE)\b""")
_SQLS = re.compile(rb"(?<= )(?:<=|<>|[<=]|AND|OR|DESC)(?= )|\bDESC\b|\bmax(?=\()")
_CALLED = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "startswith": "endswith",
    "endswith": "startswith",
    "partition": "rpartition",
    "rpartition": "partition",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "append": "remove",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
}
#: A string with more words is prose: its words are asserted where they matter.
_WORDS = 3
#: The strict type checker knows of every write to a frozen object; `**` has no name.
_UNMUTATED = {"frozen", None}
_NOT_VISITED = {"annotation", "returns", "bases", "type_params"}


class Edit(NamedTuple):
    """Replace the bytes of a source from `start` to `end` by `text`."""

    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> bytes:
        """Return the source with the span replaced."""
        return source[: self.start] + self.text.encode() + source[self.end :]


class _Source:
    """A source, its tree, and where the nodes stand in its bytes."""

    def __init__(self, source: bytes) -> None:
        self.bytes = source
        self.tree = ast.parse(source)
        self.last = {id(node.body[-1]) for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}
        self._lines = [0, *(match.end() for match in re.finditer(rb"\n", source))]

    def start(self, node: ast.AST) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.AST) -> int:
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        return self.bytes[self.start(node) : self.end(node)].decode()

    def replaced(self, node: ast.AST, *texts: str) -> Iterator[Edit]:
        """Replace a node by each of the texts."""
        for text in texts:
            yield Edit(self.start(node), self.end(node), text)

    def token(self, left: ast.AST, right: ast.AST, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Find the operator between two nodes."""
        return pattern.search(self.bytes, self.end(left), self.start(right))


def edits(source: bytes) -> list[Edit]:
    """Return all mutations of a source, in their order in it; a few of them may not be `valid`."""
    read = _Source(source)
    return sorted({edit for node in _visited(read.tree) for mutate in _mutators(node) for edit in mutate(read, node)})


def valid(source: bytes, edit: Edit) -> bool:
    """Return whether an edit leaves the source Python, and makes another program of it."""
    try:
        return ast.dump(ast.parse(edit.applied(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def _mutators(node: ast.AST) -> Iterator[Callable[[_Source, ast.AST], Iterator[Edit]]]:
    return (mutate for kinds, mutate in _OPERATORS if isinstance(node, kinds))


def _visited(node: ast.AST) -> Iterator[ast.AST]:
    """Stream the nodes that are mutated."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in _NOT_VISITED or isinstance(node, ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _passed_over(child):
                yield from _visited(child)


def _passed_over(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.keyword(arg="frozen"):
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name("TYPE_CHECKING" | "__all__" | "__slots__")]):
            return True
    return False


def _compare(source: _Source, node: ast.Compare) -> Iterator[Edit]:
    yield from _tokens(source, [node.left, *node.comparators], _COMPARES, _COMPARED)


def _boolean(source: _Source, node: ast.BoolOp) -> Iterator[Edit]:
    """Swap `and` and `or`; leave an operand out by making it neutral."""
    yield from _tokens(source, node.values, _BOOLEANS, {key: (value,) for key, value in _BOOLEAN.items()})
    for value in node.values:
        yield from source.replaced(value, str(isinstance(node.op, ast.And)))


def _compute(source: _Source, node: ast.BinOp) -> Iterator[Edit]:
    yield from _tokens(source, [node.left, node.right], _COMPUTES, {key: (value,) for key, value in _COMPUTED.items()})


def _tokens(
    source: _Source, operands: list[ast.expr], pattern: re.Pattern[bytes], swaps: dict[bytes, tuple[str, ...]]
) -> Iterator[Edit]:
    """Replace each operator between operands by what stands for it in `swaps`."""
    for left, right in pairwise(operands):
        found = source.token(left, right, pattern)
        for text in swaps[b" ".join(found[0].split())] if found else ():
            yield Edit(found.start(), found.end(), text)


def _assign_computed(source: _Source, node: ast.AugAssign) -> Iterator[Edit]:
    found = source.token(node.target, node.value, _COMPUTES)
    for text in (_COMPUTED[found[0]], "") if found else ():
        yield Edit(found.start(), found.end(), text)


def _unary(source: _Source, node: ast.UnaryOp) -> Iterator[Edit]:
    """Leave out `not` and a sign."""
    if isinstance(node.op, ast.USub) or source.text(node).startswith("not "):
        start = source.start(node)
        token = b"not " if source.bytes.startswith(b"not ", start) else source.bytes[start : start + 1]
        yield Edit(start, start + len(token), "")


def _condition(source: _Source, node: ast.If | ast.IfExp | ast.While | ast.comprehension) -> Iterator[Edit]:
    """Negate a condition, and make it constant; a loop is not made endless."""
    for test in node.ifs if isinstance(node, ast.comprehension) else [node.test]:
        if isinstance(test, ast.Constant):
            continue
        always = () if isinstance(node, ast.While) else ("True",)
        negated = () if isinstance(test, ast.Compare | ast.UnaryOp) else (f"not ({source.text(test)})",)
        yield from source.replaced(test, "False", *always, *negated)


def _constant(source: _Source, node: ast.Constant) -> Iterator[Edit]:
    match node.value:
        case bool():
            yield from source.replaced(node, str(not node.value))
        case int() | float():
            yield from source.replaced(node, repr(node.value + 1), repr(node.value - 1))
        case str() | bytes() if len(node.value.split()) <= _WORDS:
            other = "" if node.value else "mutated"
            yield from source.replaced(node, repr(other if isinstance(node.value, str) else other.encode()))


def _return(source: _Source, node: ast.Return) -> Iterator[Edit]:
    match node.value:
        case None if id(node) not in source.last:
            yield from source.replaced(node, "pass")
        case ast.Constant(value=None):
            yield from source.replaced(node, "return True")
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            yield from source.replaced(node, "return True", "return False")
        case ast.Constant() | None:
            return
        case _:
            yield from source.replaced(node, "return None")


def _jump(source: _Source, node: ast.Continue | ast.Break) -> Iterator[Edit]:
    yield from source.replaced(node, "pass", "break" if isinstance(node, ast.Continue) else "continue")


def _statement(source: _Source, node: ast.stmt) -> Iterator[Edit]:
    """Leave a statement out that does something; one that only binds a name would be missed at once."""
    named = isinstance(node, ast.Assign) and all(isinstance(each, ast.Name | ast.Tuple) for each in node.targets)
    if not named:
        yield from source.replaced(node, "pass")


def _arguments(source: _Source, node: ast.Call | ast.ClassDef) -> Iterator[Edit]:
    """Leave out each named argument."""
    given = [*(node.args if isinstance(node, ast.Call) else node.bases), *node.keywords]
    for number, each in enumerate(given):
        if not isinstance(each, ast.keyword) or each.arg in _UNMUTATED:
            continue
        if number:
            yield Edit(source.end(given[number - 1]), source.end(each), "")
        else:
            yield Edit(source.start(each), source.start(given[1]) if given[1:] else source.end(each), "")


def _swapped(source: _Source, node: ast.Call) -> Iterator[Edit]:
    """Swap each two arguments that stand beside each other, where their order makes a difference."""
    if isinstance(node.func, ast.Name) and node.func.id in {"min", "max"}:
        return
    for left, right in pairwise(node.args):
        between = source.bytes[source.end(left) : source.start(right)].decode()
        yield Edit(source.start(left), source.end(right), source.text(right) + between + source.text(left))


def _called(source: _Source, node: ast.Call) -> Iterator[Edit]:
    """Call another function of the same shape."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in _CALLED:
        end = source.end(node.func)
        yield Edit(end - len(name), end, _CALLED[name])


def _except(source: _Source, node: ast.ExceptHandler) -> Iterator[Edit]:
    """Handle another exception in place of each that is handled."""
    if node.type is not None:
        for each in node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]:
            yield from source.replaced(each, "ZeroDivisionError")


def _sql(source: _Source, node: ast.Constant | ast.JoinedStr) -> Iterator[Edit]:
    if _IS_SQL.match(source.bytes, source.start(node)):
        for found in _SQLS.finditer(source.bytes, source.start(node), source.end(node)):
            yield Edit(found.start(), found.end(), _SQL[found[0]])


#: Which nodes each kind of mutation is for.
_OPERATORS = (
    (ast.Compare, _compare),
    (ast.BoolOp, _boolean),
    (ast.BinOp, _compute),
    (ast.AugAssign, _assign_computed),
    (ast.UnaryOp, _unary),
    ((ast.If, ast.IfExp, ast.While, ast.comprehension), _condition),
    (ast.Constant, _constant),
    (ast.Return, _return),
    ((ast.Continue, ast.Break), _jump),
    ((ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.Raise, ast.Assert), _statement),
    ((ast.Call, ast.ClassDef), _arguments),
    (ast.Call, _swapped),
    (ast.Call, _called),
    (ast.ExceptHandler, _except),
    ((ast.Constant, ast.JoinedStr), _sql),
)
