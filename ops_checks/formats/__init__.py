"""The registry of formats: every module and package in here is one, under its own name (`json.py` → `json`).

A format renders and nothing else: it reads no clock, no environment and no file, and it never
changes a verdict or an exit code (FORMATS section 7).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ops_checks.presentation.format import Format, RenderOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class _Registry(Mapping[str, Format]):
    """The formats by name, sorted, which are those of modules and packages; only `[name]` imports one."""

    def __iter__(self) -> Iterator[str]:
        # Not pkgutil: it imports inspect, for which every help text would wait.
        files = (entry for folder in __path__ for entry in os.scandir(folder))
        names = (entry.name.removesuffix(".py") for entry in files if entry.name.endswith(".py") or _is_package(entry))
        return iter(sorted(name for name in names if name.isidentifier() and name[0] != "_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def __getitem__(self, name: str) -> Format:
        """Import a format's module and return its `FORMAT`. Raises TypeError for a module that defines none."""
        from importlib import import_module

        if name not in self:
            raise KeyError(name)
        module = import_module(f"{__name__}.{name}")
        found = getattr(module, "FORMAT", None)
        if not isinstance(found, Format):
            raise TypeError(f"{module.__name__} defines no format: end it with FORMAT = Format(…)")
        found.name = name
        return found


def _is_package(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py"))


#: Every format by its name.
FORMATS: Mapping[str, Format] = _Registry()

__all__ = ["FORMATS", "Format", "RenderOptions"]
