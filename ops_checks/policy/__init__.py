"""The policy: what a project asks of its queues and its run log (`ops-checks.yaml`)."""
