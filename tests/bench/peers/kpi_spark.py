"""The KPIs of a run log with Spark's own JSON reader: four columns, exact percentile. Arguments: master, log."""

import sys

from pyspark.sql import SparkSession

_QUERY = """
SELECT count_if(exit_code = 0 AND command = 'done'), count_if(exit_code = 0 AND command = 'fail'),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms), avg(duration_ms)
FROM runs WHERE event = 'run_end'
"""

master, log = sys.argv[1:]
spark = SparkSession.builder.master(master).config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
columns = "event STRING, command STRING, exit_code BIGINT, duration_ms DOUBLE"
spark.read.schema(columns).json(log).createOrReplaceTempView("runs")
done, failed, p95, mean = spark.sql(_QUERY).first()
sys.stdout.write(f"kpi success_rate={done / (done + failed):.2%} latency_p95_ms={p95:.0f} latency_avg_ms={mean:.2f}\n")
spark.stop()
