"""Find a pytest configuration above the rootdir that turns the checks on, where they are off.

A part of a monorepo with a configuration of its own is a root of its own, and nothing of the outer one holds there.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The files in which pytest looks for its configuration, and the tables that hold it in each.
_TABLES = {
    "pytest.toml": (("pytest",),),
    ".pytest.toml": (("pytest",),),
    "pytest.ini": ("pytest",),
    ".pytest.ini": ("pytest",),
    "pyproject.toml": (("tool", "pytest", "ini_options"), ("tool", "pytest")),
    "tox.ini": ("pytest",),
    "setup.cfg": ("tool:pytest",),
}
_OPTIONS = ("--queue-check", "--queue-check-only")
_TRUE = {"1", "yes", "true", "on"}
_MOST_BYTES = 1 << 20


def outer_configuration(rootdir: str) -> str | None:
    """Return the path of the nearest configuration above the rootdir that turns the checks on, None if none does.

    The last folder looked in is the repository's root or the home folder; one that everybody may write to is passed
    over (as for the policy: FORMATS section 8). What cannot be read or parsed turns nothing on.
    """
    for folder in _folders_above(rootdir):
        for name in _TABLES:
            path = os.path.join(folder, name)
            try:
                if any(_turns_on(table) for table in _tables(path, name)):
                    return path
            except (OSError, ValueError, RecursionError):  # the errors of both parsers are ValueErrors
                continue
    return None


def _folders_above(rootdir: str) -> Iterator[str]:
    """Yield the folders above the rootdir, the nearest first."""
    home, folder = os.path.expanduser("~"), rootdir
    while folder not in {home, os.path.dirname(folder)} and not os.path.lexists(os.path.join(folder, ".git")):
        folder = os.path.dirname(folder)
        try:
            shared = os.stat(folder).st_mode & stat.S_IWOTH
        except OSError:
            return
        if not shared:
            yield folder


def _tables(path: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield pytest's tables of a file that may turn the checks on. Raises OSError, ValueError, RecursionError."""
    if not os.path.isfile(path) or os.path.getsize(path) > _MOST_BYTES:
        return
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "queue_check" not in text and _OPTIONS[0] not in text:  # a parser need not be loaded
        return
    parsed = _parse(path, text)
    for keys in _TABLES[name]:
        table: Any = parsed
        for key in [keys] if isinstance(keys, str) else keys:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            yield table


def _parse(path: str, text: str) -> dict[str, Any]:
    if path.endswith(".toml"):
        import tomllib

        return tomllib.loads(text)
    import iniconfig  # pytest's own

    try:
        return {section.name: dict(section.items()) for section in iniconfig.IniConfig(path, text)}
    except iniconfig.ParseError as error:
        raise ValueError(str(error)) from error


def _turns_on(table: dict[str, Any]) -> bool:
    added = table.get("addopts", ())
    words = added.split() if isinstance(added, str) else added
    keys = [option.removeprefix("--").replace("-", "_") for option in _OPTIONS]
    given = isinstance(words, list | tuple) and any(option in words for option in _OPTIONS)
    return given or any(str(table.get(key)).lower() in _TRUE for key in keys)
