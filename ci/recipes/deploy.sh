#!/bin/sh
# The plain way: nothing is deployed unless the gate says so. Metrics go to a node exporter's folder
# if METRICS_DIR names one. The arguments are the command that deploys.
set -eu
ops-checks check -f text -f json=queue.json ${METRICS_DIR:+-f openmetrics="$METRICS_DIR/ops_checks.prom"}
"$@"
