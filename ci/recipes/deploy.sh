#!/bin/sh
# The plain way: nothing is deployed unless the gate says so. Metrics go to a node exporter's folder
# if METRICS_DIR names one. The arguments are the command that deploys.
# Database and log: where the policy, or ORCH_DB_PATH and ORCH_LOG_PATH, say; on a machine without them put
# `--snapshot state.json` behind `check` (help page pipelines).
set -eu
ops-checks check -f text -f json=queue.json ${METRICS_DIR:+-f openmetrics="$METRICS_DIR/ops_checks.prom"}
"$@"
