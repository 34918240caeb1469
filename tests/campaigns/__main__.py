"""Run one campaign, print progress, and end with one line of figures: `ci/campaign NAME [--size N] [--seed S]`.

Exit codes: 0 proven, 1 broken, 3 invalid (too little was done to prove anything), 2 usage.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import time
from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the campaigns there are: the modules of this folder that have a `SMALL` size."""
    modules = sorted(path for path in _FOLDER.glob("[a-z]*.py") if "\nSMALL = " in path.read_text(encoding="utf-8"))
    return [path.stem for path in modules]


def main(argv: list[str] | None = None) -> int:
    """Run the campaign that is named; without a name, list them."""
    parser = argparse.ArgumentParser(prog="ci/campaign", description="Run a campaign, or list them.")
    parser.add_argument("name", nargs="?", choices=names(), metavar="NAME", help=", ".join(names()))
    parser.add_argument("--size", type=int, help="how much to do; each campaign says what it counts")
    parser.add_argument("--seed", type=int, help="what is drawn, for a campaign that draws")
    args = parser.parse_args(argv)
    sys.path.insert(0, str(_FOLDER.parent.parent))
    if args.name is None:
        for name in names():
            module = importlib.import_module(f"tests.campaigns.{name}")
            summary = (module.__doc__ or "").splitlines()[0]
            _say(f"{name:10} {summary} (small {module.SMALL}, long {module.LONG})")
        return 0
    module = importlib.import_module(f"tests.campaigns.{args.name}")
    seed = {} if args.seed is None else {"seed": args.seed}
    if not inspect.signature(module.run).parameters.keys() >= seed.keys():
        parser.error(f"{args.name} takes no --seed: it draws nothing, or always the same")
    started = time.monotonic()

    def report(line: str) -> None:
        _say(f"[{time.monotonic() - started:7.1f} s] {line}")

    outcome = module.run(module.LONG if args.size is None else args.size, report, **seed)
    for line in outcome.lines(args.name):
        _say(line)
    return int(outcome.exit_code)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
