"""The policy: the limits and settings of a project's checks (`ops-checks.yaml`)."""
