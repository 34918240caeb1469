"""The KPIs of a run log with polars, streaming: four columns, exact percentile."""

import sys

import polars as pl

_SCHEMA = {"event": pl.String, "command": pl.String, "exit_code": pl.Int64, "duration_ms": pl.Float64}

ends = pl.scan_ndjson(sys.argv[1], schema=_SCHEMA).filter(pl.col("event") == "run_end")
outcome = pl.col("exit_code") == 0
done, failed, p95, mean = (
    ends.select(
        done=(outcome & (pl.col("command") == "done")).sum(),
        failed=(outcome & (pl.col("command") == "fail")).sum(),
        p95=pl.col("duration_ms").quantile(0.95, interpolation="equiprobable"),
        mean=pl.col("duration_ms").mean(),
    )
    .collect(engine="streaming")
    .row(0)
)
sys.stdout.write(f"kpi success_rate={done / (done + failed):.2%} latency_p95_ms={p95:.0f} latency_avg_ms={mean:.2f}\n")
