"""`python -m ops_checks`: the same as the command `ops-checks`."""

from ops_checks.cli import console

console()
