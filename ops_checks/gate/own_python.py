"""Run a rule in Python: load its function, give it the rows that it needs, take its findings.

Whatever its code does ends in findings or in one line that names the rule; a part of them is no verdict.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import GeneratorType
from typing import TYPE_CHECKING

from ops_checks.errors import OpsError
from ops_checks.gate.own_code import folder_of, load_function
from ops_checks.gate.own_process import current_folder, surroundings
from ops_checks.gate.own_raised import raised
from ops_checks.gate.own_rows import RuleRows, store_of
from ops_checks.gate.own_run import Ran
from ops_checks.gate.stable_reading import read_again
from ops_checks.rules.own.answers import AnswerError, take
from ops_checks.rules.own.context import RuleContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.context import Context
    from ops_checks.gate.own_run import Request
    from ops_checks.rules.own.answers import Answer
    from ops_checks.rules.own.model import OwnRule


def run_python(context: Context, rule: OwnRule, request: Request) -> Ran:
    """Return what a rule finds; it is run again if what it reads has changed meanwhile.

    Raises UsageError for code that is not there; InputError for what cannot be read, and for what the code raises, or
    returns in place of findings.
    """
    store = store_of(context, rule, document=request.document)
    folder = folder_of(context)
    with surroundings(rule.id, folder):
        function = load_function(context, rule)

    here = current_folder()

    def run() -> Ran:
        with nullcontext() if store is None else store.snapshot() as snapshot:
            rows = RuleRows(context, rule, store, snapshot)
            given = RuleContext(rule.id, rows.sources(), now_s=context.now_s, zone=context.zone)
            with surroundings(rule.id, folder):
                answer = ask(rule.id, function, given, request.keep, here)
            rows.finish()
            return _ran(rows, answer)

    return read_again(run, context.logs[0] if store is None else store.location)


def ask(rule: str, function: Callable[..., object], context: RuleContext, keep: int | None, here: str | None) -> Answer:
    """Return what the function of a rule finds; `here` is the current folder.

    Raises InputError for whatever it raises, an exit of the process included, and for what it returns in place of
    findings; KeyboardInterrupt stays what it is. What it could not read is an error, whatever the function made of it.
    """
    given: object = None
    try:
        given = function(context)
        answer = take(rule, given, keep)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(context.failure, OpsError):
            raise context.failure from None
        if isinstance(error, AnswerError):
            raise
        raise raised(rule, error, here=here, code=_place_of(function)) from error
    finally:
        _close(given)
    if context.failure is not None:
        if isinstance(context.failure, OpsError):
            raise context.failure
        raise raised(rule, context.failure, here=here, code=_place_of(function))
    return answer


def _close(given: object) -> None:
    """End a generator that was not read to its end: what it does then is done here, and not when it is forgotten."""
    if isinstance(given, GeneratorType):
        try:
            given.close()
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - it has raised already, and that is told
            return


def _place_of(function: object) -> tuple[str, int] | None:
    """Return file and line of a function, None for a callable that is none."""
    code = getattr(function, "__code__", None)
    return None if code is None else (str(code.co_filename), int(code.co_firstlineno))


def _ran(rows: RuleRows, answer: Answer) -> Ran:
    """Return the answer with the place of each finding's item, where it has no other, and what was read."""
    places = rows.places({each.item for each in answer.findings if each.item and not each.places})
    findings = tuple(
        each._replace(places=(places[each.item],)) if not each.places and each.item in places else each
        for each in answer.findings
    )
    return Ran(findings, answer.total, rows.inputs(), remarks=rows.remarks())
