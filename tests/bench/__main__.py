"""Measure the program beside what a user would pick instead: `ci/bench`.

Exit codes: 0 measured; 1 contenders answered differently, or with --strict a bound was missed; 2 usage; 3 something
did not run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tests.bench.bounds import lines, result
from tests.bench.measure import Bench, Broken
from tests.bench.works import QUICK, WORKS, Place, Sizes, machine
from tests.postgres_server import MissingServerError


def main(argv: list[str] | None = None) -> int:
    """Run the works that are asked for and tell what was found."""
    args = _arguments(argv)
    sizes = QUICK if args.quick else Sizes()
    chosen = {field.name: getattr(args, field.name) for field in fields(Sizes)}
    sizes = replace(sizes, **{name: value for name, value in chosen.items() if value is not None})
    results = []
    try:
        for name in args.only or WORKS:
            with ExitStack() as opened:
                folder = Path(
                    opened.enter_context(tempfile.TemporaryDirectory(prefix="ops-checks-bench-", dir=args.folder))
                )
                place = Place(folder, args.program, args.peers, sizes, opened)
                results.append(_measured(name, place, quick=args.quick))
            if not args.json:
                sys.stdout.write("\n".join([*lines(results[-1]), "", ""]))
                sys.stdout.flush()
    except (Broken, MissingServerError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 3
    if args.json:
        found = {"on": machine(Path(args.folder or tempfile.gettempdir())), "works": results}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    missed = any(bound["kept"] is False for each in results for bound in each["bounds"])
    return int(not all(each["agree"] for each in results) or (args.strict and missed))


def _measured(name: str, place: Place, *, quick: bool) -> dict[str, Any]:
    sys.stderr.write(f"{name}: making the data …\n")
    work = WORKS[name](place)
    sys.stderr.write(f"{name}: measuring …\n")
    bench = Bench(place.folder)
    found = bench.measure(work.contenders, work.rounds or place.sizes.rounds, memory=work.memory)
    return result(work, found, judged=not quick)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ci/bench", description="Measure ops-checks beside its peers, in one run.")
    parser.add_argument("--program", type=Path, required=True, help="environment with the package (ci/bench names it)")
    parser.add_argument("--peers", type=Path, required=True, help="environment with the peers (ci/bench names it)")
    parser.add_argument("--only", action="append", choices=list(WORKS), help="one work; repeatable (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round; judges nothing")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a bound is missed")
    parser.add_argument("--folder", type=Path, help="where to put the data (default: the system's temporary folder)")
    for field in fields(Sizes):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=int, metavar="N", help=f"(default: {field.default:,})")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
