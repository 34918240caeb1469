"""One target under atheris: `python -m tests.campaigns.fuzz_guided TARGET CORPUS [libFuzzer's options]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ops_checks"]):
    from tests.campaigns.fuzz_targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    folder = Path(os.environ["FUZZ_FOLDER"])
    atheris.Setup(sys.argv, lambda data: target(data, folder))
    atheris.Fuzz()
