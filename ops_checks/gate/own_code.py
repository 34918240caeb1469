"""Find the code of a rule in Python: a function that the policy names, or an installed entry point of its name.

Only what the policy names is imported, and only to be run (`policy check` imports nothing).
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import InputError, UsageError
from ops_checks.gate.own_process import current_folder
from ops_checks.gate.own_raised import raised
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from ops_checks.context import Context
    from ops_checks.rules.own.model import OwnRule

#: The group of entry points that a policy's rules without code are looked for in.
ENTRY_POINTS = "ops_checks.rules"


class Code(NamedTuple):
    """What a rule's code is called: its module and the name in it, and where the policy says so."""

    module: str
    name: str
    where: str


def load_function(context: Context, rule: OwnRule) -> Callable[..., object]:
    """Import and return the function of a rule.

    Raises UsageError, with the policy's line, for one that is not there or that anybody may have written; InputError,
    with the rule's name, for what its module raises.
    """
    here = current_folder()
    code = _named(context, rule) if rule.python is not None else _installed(context, rule)
    beside = folder_of(context)
    if beside is not None and not context.policy_named:
        _refuse_others(code, beside)
    module = _imported(rule, code, beside)
    _refuse_another(rule, module)
    try:
        found: Callable[..., object] | None = getattr(module, code.name, None)
    except BaseException as error:
        _let_interrupts_through(error)
        raise raised(rule.id, error, here=here, doing=" while it was imported") from error
    if callable(found):
        return found
    origin = visible(getattr(module, "__file__", None) or "a folder")
    if found is not None:
        raise UsageError(f"{code.where}: {code.name} of {code.module} ({origin}) is no function")
    known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    raise UsageError(f"{code.where}: no {code.name} in {code.module} ({origin}){did_you_mean(code.name, known)}")


def folder_of(context: Context) -> str | None:
    """Return the folder of the policy, in which its modules are looked for last; None for a policy that is no file."""
    path = context.policy.path
    return None if path is None else os.path.dirname(os.path.abspath(path))


def _named(context: Context, rule: OwnRule) -> Code:
    module, _, name = (rule.python or "").partition(":")
    return Code(module, name, f"{_line(context, rule)}rules.{rule.id}.python")


def _installed(context: Context, rule: OwnRule) -> Code:
    """Return the code of the entry point that has a rule's name. Raises UsageError for none, or for several."""
    from importlib.metadata import entry_points

    where = f"{_line(context, rule)}rules.{rule.id}"
    points = entry_points(group=ENTRY_POINTS)
    found = sorted({point.value for point in points if point.name == rule.id})
    if not found:
        meant = did_you_mean(rule.id, sorted(points.names))
        expected = f"neither sql nor python, and no installed entry point of {ENTRY_POINTS} has this name"
        raise UsageError(f"{where}: {expected}{meant}")
    if len(found) > 1:
        raise UsageError(
            f"{where}: several installed packages have it ({visible(', '.join(found))}): name one by python"
        )
    module, _, name = found[0].partition("[")[0].strip().partition(":")
    return Code(module.strip(), name.strip(), where)


def _line(context: Context, rule: OwnRule) -> str:
    """Return where the policy names a rule's code, as the beginning of a line; nothing for a policy in a program."""
    path = context.policy.path
    return "" if path is None else f"{visible(path)}:{rule.code_line or 1}: "


def _imported(rule: OwnRule, code: Code, folder: str | None) -> ModuleType:
    """Import a module. Raises UsageError if there is none, InputError for what it raises."""
    here = current_folder()
    importlib.invalidate_caches()  # it may have been written since this process looked into its folder
    try:
        return importlib.import_module(code.module)
    except BaseException as error:
        _let_interrupts_through(error)
        if isinstance(error, ModuleNotFoundError) and f"{code.module}.".startswith(f"{error.name}."):
            meant = did_you_mean(code.module, _modules(code.module, folder))
            raise UsageError(f"{code.where}: no module {visible(str(error.name))}{meant}") from None
        raise raised(rule.id, error, here=here, doing=" while it was imported") from error


def _let_interrupts_through(error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        raise error


def _modules(name: str, folder: str | None) -> Iterable[str]:
    """Return the names of the modules beside one that is not there: in its package, or in the policy's folder."""
    from pkgutil import iter_modules

    package, _, _ = name.rpartition(".")
    parent = sys.modules.get(package)
    paths = list(getattr(parent, "__path__", ())) if package else [folder] if folder else []
    prefix = f"{package}." if package else ""
    return (found.name for found in iter_modules(paths, prefix) if not found.name.startswith("_"))


def _refuse_others(code: Code, folder: str) -> None:
    """Raise UsageError if others may have put code where it would be found (FORMATS section 8).

    A policy that nobody named runs no code from a folder to which everybody may write, or of another user.
    """
    path = _origin(code.module) or folder
    inside = [path] if path.startswith(folder + os.sep) else []
    while inside and (parent := os.path.dirname(inside[-1])) != folder:
        inside.append(parent)
    for path in (folder, *inside):
        try:
            state = os.stat(path)
        except OSError:
            continue  # importing it will tell
        strange = (
            "everybody may write to it"
            if state.st_mode & stat.S_IWOTH
            else f"it belongs to another user (uid {state.st_uid})"
            if state.st_uid not in {os.geteuid(), 0}
            else None
        )
        if strange:
            raise UsageError(
                f"{code.where}: code of {visible(path)} is not run, {strange}: name the policy with --policy if you "
                "trust it"
            )


def _refuse_another(rule: OwnRule, module: ModuleType) -> None:
    """Raise InputError for a module of the same name that was loaded from elsewhere: it would judge in its place."""
    loaded, found = getattr(module, "__file__", None), _origin(module.__name__)
    if loaded and found and not _same(loaded, found):
        raise InputError(
            f"{rule.id}: {visible(module.__name__)} is loaded already, from {visible(loaded)}, and not from "
            f"{visible(found)}: give one of both another name"
        )


def _origin(name: str) -> str | None:
    """Return the file that a module would be imported from, without importing anything; None where that is unknown."""
    paths, origin = list(sys.path), None
    for part in name.split("."):
        spec = PathFinder.find_spec(part, paths)
        if spec is None:
            return None
        origin = spec.origin
        # Those of a folder without __init__.py can only be asked for when the ones above it are imported.
        below = [os.path.join(path, part) for path in paths]
        paths = below if origin is None else spec.submodule_search_locations or []
    return origin if origin and os.path.isabs(origin) else None


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
