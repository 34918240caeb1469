"""The files that `init` makes: entry point, queues, run log and policy; with `--demo`, filled (OPS_COMMANDS)."""
