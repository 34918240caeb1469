"""The commands, one module each: `consistency_check.py` is `consistency-check`. See `ops_checks.cli.command`."""
