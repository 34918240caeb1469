"""One target under atheris: `python -m tests.campaigns.fuzz_guided TARGET CORPUS [libFuzzer's options]`."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import atheris

with atheris.instrument_imports(include=["ops_checks"]):
    import ops_checks

    for module in walk_packages(ops_checks.__path__, "ops_checks."):  # most are imported only when they are used
        if not module.name.endswith("__main__"):
            import_module(module.name)
    from tests.campaigns.fuzz_targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    folder = Path(os.environ["FUZZ_FOLDER"])
    atheris.Setup(sys.argv, lambda data: target(data, folder))
    atheris.Fuzz()
