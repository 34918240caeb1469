"""The KPIs of a run log as a plain loop has them: `json.loads` on every line, everything kept."""

import json
import sys

done = failed = 0
durations = []
with open(sys.argv[1], encoding="utf-8") as file:
    records = [json.loads(line) for line in file]
for record in records:
    if record["event"] != "run_end":
        continue
    durations.append(record["duration_ms"])
    if record["exit_code"] == 0:
        done += record["command"] == "done"
        failed += record["command"] == "fail"
durations.sort()
p95 = durations[-(-95 * len(durations) // 100) - 1]
mean = sum(durations) / len(durations)
sys.stdout.write(f"kpi success_rate={done / (done + failed):.2%} latency_p95_ms={p95:.0f} latency_avg_ms={mean:.2f}\n")
