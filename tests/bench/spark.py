"""Measure reading a large log on Spark beside the local reader and Spark's own JSON reader: `ci/bench spark`.

All on one machine: a standalone master and two workers of a core each. So it measures what Spark costs, and not what
more machines gain. Each contender runs once, its start included, the log in the system's cache.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench import data
from tests.bench.bounds import Work, lines, result, times
from tests.bench.measure import Bench, Broken, Contender
from tests.bench.works import machine
from tests.campaigns.spark_cluster import Cluster

_SEED = 20_260_101
_LINES = 20_000_000
_FOLDER = Path(__file__).resolve().parent
_OURS, _SPARK = "ops-checks on Spark", "Spark's JSON reader"


def main(argv: list[str] | None = None) -> int:
    """Measure and tell; exit codes as those of `ci/bench`."""
    parser = argparse.ArgumentParser(prog="ci/bench spark", description="Measure reading on Spark.")
    parser.add_argument("--lines", type=int, default=_LINES, metavar="N", help=f"(default: {_LINES:,})")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a bound is missed")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="ops-checks-bench-") as name:
        folder = Path(name)
        log, db = folder / "runs.jsonl", folder / "queue.db"
        data.write_log(log, args.lines // 2, _SEED)
        data.write_database(db, data.queue_rows(1_000, _SEED))
        try:
            with Cluster(folder / "cluster") as cluster:
                work = _work(log, db, args.lines, cluster.url)
                found = Bench(folder).measure(work.contenders, 1, memory=False)
        except Broken as error:
            sys.stderr.write(f"error: {error}\n")
            return 3
        told = result(work, found, judged=True)
        on = machine(folder)
    text = json.dumps({"on": on, "works": [told]}, indent=2) if args.json else "\n".join(lines(told))
    sys.stdout.write(text + "\n")
    missed = any(bound["kept"] is False for bound in told["bounds"])
    return int(not told["agree"] or (args.strict and missed))


def _work(log: Path, db: Path, count: int, url: str) -> Work:
    python = sys.executable
    before = ("/usr/bin/env", f"PYSPARK_PYTHON={python}", python)
    kpi = ("-m", "ops_checks", "kpi", "--log-path", str(log), "--db-path", str(db))

    def answer(out: str) -> str:
        return out.partition(" retry_count")[0].strip()

    return Work(
        "spark",
        f"{count:,} lines, {log.stat().st_size / 1e6:.0f} MB",
        (
            Contender(_OURS, (*before, *kpi, "--engine", f"spark={url}"), answer=answer, once=True),
            Contender(_SPARK, (*before, str(_FOLDER / "peers" / "kpi_spark.py"), url, str(log)), once=True),
            Contender("ops-checks here", (*before, *kpi), answer=answer, once=True),
        ),
        (times(_OURS, 2.0, _SPARK),),
    )


if __name__ == "__main__":
    sys.exit(main())
