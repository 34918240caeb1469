"""Build the native scanner of the run log into a wheel, where a compiler is; without one the wheel is pure Python.

Called by hatchling for each wheel, an editable one included. What the compiler says is shown by `pip install -v`.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any

SOURCE = Path("ops_checks", "runlog", "_scanner.c")
#: Named for every Python from 3.11 on: the source keeps to its stable interface.
TARGET = SOURCE.with_name("_scanner.abi3.so")
_TAG = "cp311-abi3"


def compile_scanner(root: Path, target: Path, *flags: str) -> str | None:
    """Compile the scanner of a source tree; return why it cannot be built or imported, None where it can.

    The compiler is $CC, or the one that Python was built with.
    """
    source = root / SOURCE
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    bundle = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    command = [
        *compiler, "-std=c11", "-O3", "-fPIC", *bundle, *flags, f'-DSCANNER_SOURCE="{digest(source)}"',
        f"-I{sysconfig.get_paths()['include']}", str(source), "-o", str(target), "-lm",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    if done.returncode or not target.is_file():
        return f"{shlex.join(command)}\n{done.stderr}"
    return None


def digest(source: Path) -> str:
    """Return what a scanner says that it was built from."""
    return f"{zlib.crc32(source.read_bytes()):08x}"


def _why_not_imported(target: Path) -> str | None:
    spec = importlib.util.spec_from_file_location("_scanner", target)
    try:
        assert spec is not None  # noqa: S101 - the name of the file ends as those of modules do
        importlib.util.module_from_spec(spec)
    except ImportError as error:
        return str(error)
    return None


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # a campaign compiles the scanner too, and hatchling may not be there
    pass
else:
    from packaging.tags import sys_tags

    class ScannerHook(BuildHookInterface):  # type: ignore[type-arg]
        """Compiles the scanner before a wheel is put together."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Add the scanner to the wheel; into an editable one it comes by the source tree, where it is laid."""
            root = Path(self.root)
            in_tree = root / TARGET
            self._folder = tempfile.TemporaryDirectory(prefix="ops-checks-scanner-")
            built = Path(self._folder.name, TARGET.name)
            why = compile_scanner(root, built) or _why_not_imported(built)
            if why:
                if version == "editable":
                    in_tree.unlink(missing_ok=True)
                self.app.display_warning(f"built without the native scanner of the run log: {why}")
                return
            if version == "editable":
                ready = in_tree.with_name(f"{os.getpid()}{TARGET.name}")  # as .gitignore has it
                ready.write_bytes(built.read_bytes())
                ready.replace(in_tree)  # at once: another environment may be made, or used, in the meantime
            else:
                build_data["force_include"][str(built)] = str(TARGET)
            build_data["pure_python"] = False
            # As pip builds for this machine; whether it runs on others of its kind is for those to say who publish.
            own = (tag.platform for tag in sys_tags() if "many" not in tag.platform and "musl" not in tag.platform)
            platform = next(own)
            build_data["tag"] = f"{_TAG}-{platform}"

        def finalize(self, *_: object) -> None:
            """Remove what was built, once it is in the wheel."""
            self._folder.cleanup()
