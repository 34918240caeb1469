"""The one JSON document that a command prints: its answer, or the error that there is in place of one."""

from __future__ import annotations

import os
import re

from ops_checks.cli.answer import JSON
from ops_checks.cli.command import NOTE, WARNING
from ops_checks.cli.output import Document, Made, MadeDocument, standard_stream
from ops_checks.errors import OpsError
from ops_checks.report.json_text import json_text
from ops_checks.sanitize import visible, without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any

    from ops_checks.cli.answer import Answer

ERROR_SCHEMA = "ops-checks/error/1"
_ERROR, _DETAIL = "error: ", "  "
_SIDES = ("queue", "db")
_OPTIONS = ("-f", "--format")
_QUIET = "-q"
_STDOUT = 1
#: `FILE:LINE: ` or `FILE:LINE:COLUMN: ` at the beginning of a message, and `FILE: `.
_PLACES = (re.compile(r"(.+?):(\d{1,15})(?::\d+)?: ", re.DOTALL), re.compile(r"(.+?): ", re.DOTALL))
#: What arguments call the files that commands read.
_FILES = (
    "queue", "db", "policy", "queue_path", "db_path", "file", "newer", "known", "base", "source", "plan", "output",
    "snapshot", "compare", "history",
)  # fmt: skip


def answer_document(answer: Answer, code: int, remarks: Sequence[str], args: object) -> Document:
    """Return the document of an answer, with exit code and remarks; of changes that were made it keeps the lines."""
    known = _known_files(args) if any(line.startswith(_ERROR) for line in remarks) else ()
    data = answer.json()
    whole = {"schema": data.pop("schema"), "exit_code": int(code)} | data | _remarks_json(remarks, known)
    return MadeDocument(json_text(whole), *(line for line in answer.lines if isinstance(line, Made)))


def error_documents(words: Sequence[str], args: object, code: int, remarks: Sequence[str]) -> list[str]:
    """Return the document of an error as a list, empty where none was asked for; `remarks` are its lines on stderr.

    `args` are the arguments, None where they could not be understood. Nothing is printed into an input either.
    """
    if not asks_for_json(words, args) or not _may_print(words, args):
        return []
    return [_error_document(args, code, remarks)]


def write_error_files(words: Sequence[str], args: object, code: int, remarks: Sequence[str]) -> list[str]:
    """Write the document of an error to the files that were to hold JSON, and return a note on each that was not.

    What may be written is what a report may be: no input, and no file that holds something else. A file that the error
    is about stays as the error says that it is.
    """
    chosen = getattr(args, "format", None) if args is not None else _formats(words)
    targets = [target for name, target in chosen if name == JSON and target] if isinstance(chosen, list) else []
    files = [target for target in targets if standard_stream(target) is None and not _is_about(target, remarks)]
    if not files:
        return []
    document = _error_document(args, code, remarks)
    unwritten = [why for file in files for why in _unwritten(file, words, args, document)]
    return [f"{NOTE}the error is in no file: {why}" for why in unwritten if _ERROR + why not in remarks]


def _is_about(file: str, remarks: Sequence[str]) -> bool:
    return any(line.startswith(f"{_ERROR}{visible(file)}: ") for line in remarks)


def _unwritten(file: str, words: Sequence[str], args: object, document: str) -> Iterator[str]:
    """Write the document of an error to a file; yield why that may or can not be, if so."""
    from ops_checks.cli.kpi_outputs import BEGINS
    from ops_checks.files.output_file import write_output
    from ops_checks.files.output_guard import Output, OutputGuard
    from ops_checks.formats.json import FORMAT

    named = _named([word for word in words if not word.endswith(f"{JSON}={file}")])
    output = Output(f"--format {JSON}", file, (*FORMAT.begins, *(document for document, _ in BEGINS.values())))
    try:
        write_output(output, document, OutputGuard(lambda: [*_files(args, whole=True), *named]))
    except OpsError as error:
        yield without_password(error.message)
    except (OSError, ValueError):  # nobody can tell what the inputs are
        yield f"{visible(file)}: not written, because the inputs are not known"


def _error_document(args: object, code: int, remarks: Sequence[str]) -> Document:
    found = _remarks_json(remarks, _known_files(args))
    first, *others = found.pop("errors")
    data = {"schema": ERROR_SCHEMA, "exit_code": int(code)} | first | {"errors": others} | found
    return Document(json_text(data))


def asks_for_json(words: Sequence[str], args: object = None) -> bool:
    """Return whether arguments ask for JSON on stdout: as they were parsed, and for nothing else, or by their words."""
    chosen = getattr(args, "format", None) if args is not None else _formats(words)
    if isinstance(chosen, str) or chosen is None:
        return chosen == JSON
    shown = {name for name, target in chosen if target is None or standard_stream(target) == "stdout"}
    return JSON in shown and (args is None or len(shown) == 1)


def _formats(words: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the formats that words name which nobody could parse."""
    given = []
    for word, after in zip(words, (*words[1:], ""), strict=True):
        if word == "--":
            break
        word = f"-{word[1:].lstrip('q')}" if word.startswith(_QUIET) else word  # noqa: PLW2901 - flags may run together
        option, equals, value = word.partition("=")
        if option in _OPTIONS:
            given.append(value if equals else after)
        elif word.startswith(_OPTIONS[0]):
            given.append(word.removeprefix(_OPTIONS[0]))
    pairs = [each.partition("=") for each in given]
    return [(name, target if equals else None) for name, equals, target in pairs]


def _remarks_json(remarks: Iterable[str], known: Collection[str]) -> dict[str, Any]:
    """Return the remarks of stderr by their kind; those without one say nothing that the document does not."""
    errors: list[dict[str, Any]] = []
    warnings, notes = [], []
    for line in map(visible, remarks):
        if line.startswith(_ERROR):
            message = line.removeprefix(_ERROR)
            errors.append({"message": message, "details": [], **_place(message, known)})
        elif line.startswith(WARNING):
            warnings.append(line.removeprefix(WARNING))
        elif line.startswith(NOTE):
            notes.append(line.removeprefix(NOTE))
        elif line.startswith(_DETAIL) and errors:
            errors[-1]["details"].append(line.removeprefix(_DETAIL))
    return {"errors": errors, "warnings": warnings, "notes": notes}


def _place(message: str, known: Collection[str]) -> dict[str, Any]:
    """Return the file that a message begins with, and the line, where it is one of those that are known."""
    for pattern in _PLACES:
        found = pattern.match(message)
        if found and found[1] in known:
            return {"file": found[1], "line": int(found[2]) if pattern is _PLACES[0] else None}
    return {"file": None, "line": None}


def _known_files(args: object) -> set[str]:
    """Return the files that an error can be about, as messages name them."""
    try:
        found = _files(args, whole=hasattr(args, "log_path"))
    except (OSError, ValueError):  # the current folder is gone, or an argument is no path
        found = list(_given_files(args).values())
    return {visible(path) for path in found}


def _given_files(args: object) -> dict[str, str]:
    return {name: value for name in _FILES if isinstance(value := getattr(args, name, None), str)}


def _files(args: object, *, whole: bool) -> list[str]:
    """Return the inputs that arguments (None: unknown) and environment name, as if a bad policy were not there.

    `whole`: those as well that only a policy names of which commands on the queues read nothing.
    """
    from ops_checks.gate.input_files import input_files
    from ops_checks.policy.model import Policy
    from ops_checks.settings import resolve

    given = _given_files(args)
    named: dict[str, Any] = {
        "policy_path": given.get("policy"),
        "queue": given.get("queue_path", given.get("queue")),
        "db": given.get("db_path", given.get("db")),
        "logs": tuple(getattr(args, "log_path", None) or ()),
    }
    named |= {side: named[side] if _is_location(named[side]) else None for side in _SIDES}
    try:
        inputs = input_files(resolve(os.environ, **named, queues_only=not whole))
    except OpsError:
        inputs = input_files(resolve({}, Policy(path=named.pop("policy_path")), **named))
    several = (value for name in _FILES if isinstance(value := getattr(args, name, None), list))
    return [*inputs, *given.values(), *(path for paths in several for path in paths)]


def _is_location(location: str | None) -> bool:
    from ops_checks.stores.registry import located

    try:
        return location is not None and bool(located(location))
    except OpsError:
        return False


def _named(words: Sequence[str]) -> list[str]:
    """Return everything that words may name."""
    return [part for word in words for part in (word, word.partition("=")[2]) if part]


def _may_print(words: Sequence[str], args: object) -> bool:
    """Return whether stdout goes to no input and to nothing that is named: an error may come before that check."""
    from ops_checks.files.output_guard import OutputGuard

    try:
        return not OutputGuard(lambda: [*_files(args, whole=True), *_named(words)]).is_input(_STDOUT)
    except (OSError, ValueError):  # nobody can tell what the inputs are
        return False
