"""What can stand where the cursor is in a command line that is being typed, for the completion of shells.

A completion reads and never writes, says nothing on stderr, and where something is wrong it completes nothing. What
commands and options there are is derived from the parsers (`completion_table`), which take too long to make.
"""

from __future__ import annotations

from ops_checks.cli.command import FILES, IDS, ONE, OWNERS, SOME, TARGET
from ops_checks.cli.completion_table import GLOBALS, NODES
from ops_checks.cli.shell_words import can_be_typed, quoted, typed_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ops_checks.cli.completion_table import Option, Words
    from ops_checks.stores.registry import Glanced

    #: A word that can stand there, and what it is.
    Candidate = tuple[str, str]

#: What a shell is told in the first line: words follow; words that another part follows without a space; files.
_WORDS, _NO_SPACE, _FILES = "words", "nospace", "files"
_MOST = 1_000  # ids, or owners, are offered
_MOST_READ = 20_000  # items are looked at for owners
_WILD = "*?"  # an id with one of them would be taken for a glob
_LONGEST_TEXT = 60  # characters of a description


class FilesAreWanted(Exception):  # noqa: N818 - not an error
    """A path is to be completed, which a shell does itself."""


def answer(asked: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the lines for a shell: `bash LINE WORDBREAKS`, or `zsh` or `fish` and the words, the last one unfinished.

    Whatever is wrong, there is nothing to complete.
    """
    try:
        return _answer(asked, environ)
    except Exception:  # noqa: BLE001 - a shell would show an error in the middle of what is being typed
        return ""


def _answer(asked: Sequence[str], environ: Mapping[str, str]) -> str:
    shell, *words = asked
    if shell == "bash":
        line = typed_line(*words)
        before, value = line.words[1:], line.value
    else:
        line = typed_line(words[-1])
        before, value = words[:-1], line.value if shell == "fish" else words[-1]
    try:
        found = [each for each in _candidates(before, value, environ) if can_be_typed(each[0])]
    except FilesAreWanted:
        return f"{_FILES}\n"
    kind = _NO_SPACE if found and all(word.endswith("=") for word, _ in found) else _WORDS
    if shell == "bash":
        texts = [quoted(word[line.kept :], line.quote) for word, _ in found]
    else:
        write = _zsh_line if shell == "zsh" else "\t".join
        texts = [write((word, _description(text))) for word, text in found]
    return "".join(f"{text}\n" for text in (kind, *texts) if text is not None)


def _zsh_line(candidate: Candidate) -> str:
    """Return a word and its description as `_describe` takes them apart."""
    word, text = (part.replace("\\", "\\\\") for part in candidate)
    word = word.replace(":", "\\:")
    return f"{word}:{text}" if text else word


def _description(text: str) -> str:
    from ops_checks.sanitize import visible

    text = visible(text[: 4 * _LONGEST_TEXT])
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


class _Typed:
    """What the words before the cursor say: the command (and its step), option values, arguments, a value's option."""

    __slots__ = ("arguments", "given", "name", "pending")

    def __init__(self, words: Iterable[str]) -> None:
        self.name = ""
        self.given: dict[tuple[str, ...], list[str]] = {}
        self.arguments: list[str] = []
        self.pending: Option | None = None
        for word in words:
            self._take(word)

    def _take(self, word: str) -> None:
        if self.pending is not None:
            self.given.setdefault(self.pending[0], []).append(word)
            self.pending = None
        elif word.startswith("-") and word != "-":
            name, has_value, value = word.partition("=")
            option = self.option(name)
            if option is not None:
                self.given.setdefault(option[0], []).extend([value] if has_value else [])
                self.pending = option if option[2] is not None and not has_value else None
        elif f"{self.name} {word}".strip() in NODES:
            self.name = f"{self.name} {word}".strip()
            self.arguments = []
        else:
            self.arguments.append(word)

    def options(self) -> tuple[Option, ...]:
        """Return the options that can stand here."""
        return (*NODES[self.name][1], *GLOBALS)

    def option(self, name: str) -> Option | None:
        """Return an option by one of its names."""
        return next((option for option in self.options() if name in option[0]), None)

    def path(self, *names: str) -> str | None:
        """Return the path that the first of some options which was given names, as the shell would expand it."""
        from os.path import expanduser, expandvars

        for name in names:
            values = next((values for key, values in self.given.items() if name in key), [])
            if values:
                return expanduser(expandvars(values[-1]))
        return None


def _candidates(before: Sequence[str], value: str, environ: Mapping[str, str]) -> Iterable[Candidate]:
    """Return what can stand for a value after some words, in its order. Raises FilesAreWanted."""
    typed = _Typed(before)
    if typed.pending is not None:
        found = _values(typed, typed.pending[2] or (), value, environ, typed.given.get(typed.pending[0], []))
        return (each for each in found if not _looks_like_an_option(each[0]))
    if value.startswith("--") and "=" in value:
        name, _, part = value.partition("=")
        option = typed.option(name)
        if option is None or option[2] is None:
            return ()
        found = _values(typed, option[2], part, environ, typed.given.get(option[0], []))
        return ((f"{name}={word}", text) for word, text in found)
    if value.startswith("-"):
        return _option_names(typed, value)
    arguments = NODES[typed.name][2]
    at = len(typed.arguments)
    if at >= len(arguments):
        if not (arguments and arguments[-1][1]):
            return () if value else _option_names(typed, "--")
        at = len(arguments) - 1
    found = _values(typed, arguments[at][0], value, environ, typed.arguments)
    return (each for each in found if not _looks_like_an_option(each[0]))


def _looks_like_an_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _option_names(typed: _Typed, value: str) -> Iterator[Candidate]:
    """Yield a name of each option that is not given yet, the long one where both begin so."""
    for names, text, _, repeatable in typed.options():
        if repeatable or names not in typed.given:
            shown = [name for name in names if name.startswith(value)]
            yield from ((name, text) for name in shown[-1:])  # the long one is the last


def _values(
    typed: _Typed, words: Words, value: str, environ: Mapping[str, str], taken: Sequence[str]
) -> Iterable[Candidate]:
    """Return what can stand for a value, by what it is completed with. Raises FilesAreWanted."""
    kind, *known = words or ("",)
    if words == FILES or (kind == TARGET and "=" in value):
        raise FilesAreWanted
    if words == IDS:
        items = _glance(typed, environ, value, _MOST)
        return (
            (item_id, f"{status} {task}")
            for item_id, status, task, _ in items
            if not (item_id in taken or any(wild in item_id for wild in _WILD))
        )
    if words == OWNERS:
        return _owners(_glance(typed, environ, "", _MOST_READ), value)
    if kind == SOME:
        head, comma, part = value.rpartition(",")
        used = head.split(",")
        return ((f"{head}{comma}{word}", "") for word in known if word.startswith(part) and word not in used)
    if kind in {ONE, TARGET}:
        steps = ((word, f"{typed.name} {word}".strip()) for word in known if word.startswith(value))
        return ((word, NODES[step][0] if step in NODES else "") for word, step in steps)
    return ()


def _glance(typed: _Typed, environ: Mapping[str, str], prefix: str, most: int) -> Iterator[Glanced]:
    """Yield items of the store that the command line names, which is found as the command itself would find it."""
    from ops_checks.settings import resolve
    from ops_checks.stores.registry import MARKDOWN, SQLITE, store_kind

    context = resolve(
        environ,
        policy_path=typed.path("--policy"),
        queue=typed.path("--queue-path", "--queue"),
        db=typed.path("--db-path", "--db"),
        queues_only=True,
    )
    location, default = (context.db, SQLITE) if context.works_on_db else (context.queue, MARKDOWN)
    return store_kind(location, default).glance(location, prefix, most)


def _owners(items: Iterable[Glanced], value: str) -> Iterator[Candidate]:
    """Yield the owners that begin so, each with the number of its items."""
    counts: dict[str, int] = {}
    for _, _, _, owner in items:
        if owner.startswith(value):
            counts[owner] = counts.get(owner, 0) + 1
    for owner in sorted(counts)[:_MOST]:
        yield owner, "1 item" if counts[owner] == 1 else f"{counts[owner]} items"
