"""Ship this package to Spark's workers, so that the rule about lines is one and the same there and here.

An archive takes along the package itself, what decodes (msgspec) and what unpacks zstd, as this interpreter has them:
they are compiled, so that workers need the same version of Python on the same kind of system, as Spark itself asks.
"""

from __future__ import annotations

import os
import zipfile
from hashlib import blake2b
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: The folder of this package.
_HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
#: What is shipped beside this package, where it is installed.
_PACKAGES = ("msgspec", "backports.zstd")
_SKIPPED = ("__pycache__", "help", "scaffold")
_SUFFIXES = (".py", ".so", ".pyd")


def make_archive(folder: str) -> tuple[str, str]:
    """Write the archive into a folder; return its path, and the name that it has on workers."""
    files = sorted(_files())
    digest = blake2b(digest_size=8)
    for path, name in files:
        state = os.stat(path)
        digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    archive = os.path.join(folder, "ops-checks.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as whole:
        for path, name in files:
            whole.write(path, name)
    return archive, f"ops-checks-{digest.hexdigest()}"


def _files() -> Iterator[tuple[str, str]]:
    """Yield the path of each file to ship, and its name in the archive."""
    yield from _package(_HERE, "ops_checks")
    for package in _PACKAGES:
        try:
            spec = find_spec(package)
        except ImportError:  # the package around it is missing
            continue
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from _package(folder, package.replace(".", "/"))


def _package(folder: str, name: str) -> Iterator[tuple[str, str]]:
    for base, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each not in _SKIPPED]
        inside = os.path.join(name, os.path.relpath(base, folder))
        for each in files:
            if each.endswith(_SUFFIXES):
                yield os.path.join(base, each), os.path.normpath(os.path.join(inside, each))


def shipped(function: str, archive: str, *arguments: Any) -> Callable[[Iterable[Any]], Iterable[Any]]:  # noqa: ANN401 - plain values
    """Return what calls a function of the worker's module on a worker, with the package from the archive there.

    Spark sends it as a closure: it must name nothing of this package, which a worker cannot import before.
    """

    def run(batches: Iterable[Any]) -> Iterable[Any]:
        import sys
        from importlib import import_module

        from pyspark import SparkFiles

        root = SparkFiles.get(archive)
        if root not in sys.path:
            sys.path.insert(0, root)
        worker = import_module("ops_checks.runlog.engines.spark.worker")
        found: Iterable[Any] = getattr(worker, function)(batches, *arguments)
        return found

    return run
