"""From arguments to an exit code: parse, make the context, carry the command out, print."""

from __future__ import annotations

import os
import sys
import time

from ops_checks.cli import UNEXPECTED
from ops_checks.cli.answer import JSON, Answer, wants_json
from ops_checks.cli.command import COMPLETE, NOTE, NOTHING, QUEUES, SUMMARY, WARNING, Invocation, load_command
from ops_checks.cli.output import Document, abandon_results, error_lines, is_redirected, write_remarks, write_results
from ops_checks.cli.quick_parser import plain_arguments
from ops_checks.errors import MissingError, OpsError
from ops_checks.exit_codes import INTERRUPTED, NOT_EVALUATED, OK
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ops_checks.cli.command import Command
    from ops_checks.cli.progress import Bar
    from ops_checks.context import Context


def run(argv: Sequence[str] | None) -> int:
    """Run one command, print what it returns, and return its exit code.

    An error is one line on stderr, and where JSON was asked for the one document on stdout. Raises what nobody
    expected.
    """
    words = sys.argv[1:] if argv is None else argv
    named = any(JSON in word for word in words)
    code: int = NOT_EVALUATED
    results: list[str] | None = None
    args: Any = None
    try:
        args = _arguments(words)
        code, results, remarks = _carry_out(args)
    except OpsError as error:
        code, remarks = error.exit_code, error_lines(error)
    except OSError as error:
        remarks = [f"error: {_failure(error)}: check the disk, then run it again"]
    except KeyboardInterrupt:
        code, remarks = INTERRUPTED, ["error: interrupted"]
    except UNEXPECTED as error:
        if named:
            _write_unexpected(words, args, error)
        raise
    try:
        if results is None:
            results, notes = _error_documents(words, args, code, remarks) if named else ([], [])
            remarks += notes
        written = write_results(results)
        write_remarks(remarks)
    except KeyboardInterrupt:  # while a slow reader kept us waiting
        abandon_results(results or ())
        write_remarks(["error: interrupted"])
        return INTERRUPTED
    return code if written else NOT_EVALUATED


def _error_documents(
    words: Sequence[str], args: object, code: int, remarks: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the document of an error where it was asked for on stdout, and notes on files that could not hold it.

    `args` are None where the words could not be parsed.
    """
    from ops_checks.cli.answer_json import error_documents, write_error_files

    return error_documents(words, args, code, remarks), write_error_files(words, args, code, remarks)


def _write_unexpected(words: Sequence[str], args: object, error: BaseException) -> None:
    """Write the document of an error that nobody expected, if that can be."""
    from ops_checks.errors import unexpected

    try:
        results, notes = _error_documents(words, args, NOT_EVALUATED, [f"error: {unexpected(error)}"])
        write_results(results)
        write_remarks(notes)
    except Exception:  # noqa: BLE001 - it is told on stderr in any case
        return


def _carry_out(args: Any) -> tuple[int, list[str], list[str]]:  # noqa: ANN401 - argparse's, or the quick parser's
    """Return exit code, results and remarks of a command."""
    if isinstance(args, Document):
        return OK, [args], []
    command = load_command(args.command)
    quiet = "quiet" in vars(args)
    bar = None if quiet else _bar()
    try:
        context = None if command.needs == NOTHING else _context(command, args, _now_s(), bar)
        if context is not None and is_redirected():
            _check_redirections(context)
        terminal = sys.stdout is not None and sys.stdout.isatty()
        invocation = Invocation(args, context, os.environ, _now_s, terminal=terminal)
        invocation.note(context.notes if context else ())
        try:
            code, lines = command.run(invocation)
            if isinstance(lines, Answer) and wants_json(args):
                from ops_checks.cli.answer_json import answer_document

                lines = [answer_document(lines, code, invocation.remarks, args)]
            return code, list(lines), _told(invocation.remarks, code, quiet=quiet)
        except MissingError as error:
            raise (context.located(error) if context else error) from None
    finally:
        if bar:
            bar.close()


def _told(remarks: list[str], code: int, *, quiet: bool) -> list[str]:
    """Return the remarks that are printed. A quiet command tells errors only, and all that may be why it failed."""
    if not quiet:
        return remarks
    comments = (NOTE, SUMMARY) if code != OK else (NOTE, SUMMARY, WARNING)
    return [line for line in remarks if not line.startswith(comments)]


def _completed(asked: Sequence[str]) -> str:
    """Return what a shell asked for."""
    from ops_checks.cli.completion import answer

    return answer(asked, os.environ)


def _now_s() -> float:
    """Return the time, in epoch seconds."""
    return time.time()


def _arguments(words: Sequence[str]) -> Any:  # noqa: ANN401 - argparse's, or the quick parser's
    """Return the arguments of a command, or the text that answers what is none."""
    if words[:1] == [COMPLETE]:
        return Document(_completed(words[1:]))
    return plain_arguments(words) or _parse(words)


def _parse(argv: Sequence[str]) -> Any:  # noqa: ANN401 - argparse's namespace
    """Return what argparse understands, or the text of the help or version that was asked for."""
    from ops_checks.cli.parser import Answered, parse

    try:
        return parse(argv)
    except Answered as answer:
        return Document(answer.text)


def _context(command: Command, args: Any, now_s: float, bar: Bar | None) -> Context:  # noqa: ANN401 - see _parse
    """Make the context from what the command line names. Raises UsageError for a bad policy or environment."""
    from ops_checks.settings import resolve

    given = vars(args)
    more = {"lock_timeout_s": given["lock_timeout"]} if "lock_timeout" in given else {}
    if command.needs != QUEUES:
        from ops_checks.cli.kpi_options import limits

        more |= {"limits": limits(args)}
    return resolve(
        policy_path=given.get("policy"),
        queue=given.get("queue_path") or given.get("queue"),
        db=given.get("db_path") or given.get("db"),
        logs=tuple(given.get("log_path") or ()),
        stale_minutes=given.get("stale_minutes"),
        fields=given.get("fields"),
        engine=given.get("engine"),
        now_s=now_s,
        actor=given.get("actor"),
        progress=bar,
        queues_only=command.needs == QUEUES,
        from_below=command.from_below,
        snapshot=given.get("snapshot"),
        max_age=given.get("max_age"),
        window_s=given.get("kpi_window"),
        since=given.get("kpi_since"),
        until=given.get("kpi_until"),
        **more,
    )


def _check_redirections(context: Context) -> None:
    """Raise UsageError if stdout or stderr goes to an input: what is printed would be written into it."""
    from ops_checks.files.output_guard import OutputGuard
    from ops_checks.gate.input_files import input_files

    OutputGuard(lambda: input_files(context)).check_streams()


def _bar() -> Bar | None:
    """Return what shows how far a long reading is; nothing does where stderr is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from ops_checks.cli.progress import Bar

    return Bar(sys.stderr, time.monotonic)


def _failure(error: OSError) -> str:
    """Name a failure that no part of the program expected, and the file where there is one."""
    reason = error.strerror or type(error).__name__
    return f"{visible(os.fsdecode(error.filename))}: {reason}" if isinstance(error.filename, str | bytes) else reason
