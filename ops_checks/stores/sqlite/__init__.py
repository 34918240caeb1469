"""The queue database in SQLite (FORMATS section 2)."""
