"""The checks: pure decisions on what was read."""
