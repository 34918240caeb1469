"""The KPIs of a run log with DuckDB: four columns, exact percentile."""

import sys

import duckdb

_QUERY = """
SELECT count(*) FILTER (WHERE exit_code = 0 AND command = 'done'),
       count(*) FILTER (WHERE exit_code = 0 AND command = 'fail'),
       quantile_disc(duration_ms, 0.95), avg(duration_ms)
FROM read_json(?, format = 'newline_delimited', columns = {
    event: 'VARCHAR', command: 'VARCHAR', exit_code: 'BIGINT', duration_ms: 'DOUBLE'})
WHERE event = 'run_end'
"""

duckdb.sql("SET enable_progress_bar = false")
done, failed, p95, mean = duckdb.execute(_QUERY, [sys.argv[1]]).fetchone()
sys.stdout.write(f"kpi success_rate={done / (done + failed):.2%} latency_p95_ms={p95:.0f} latency_avg_ms={mean:.2f}\n")
