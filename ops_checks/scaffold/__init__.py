"""What `init` makes: a project with its queues, run log and policy; with `--demo`, filled (OPS_COMMANDS)."""
