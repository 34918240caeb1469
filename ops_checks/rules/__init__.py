"""The rules: pure decisions on what was read."""
