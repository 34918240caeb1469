"""The SQLite store: a queue database in one file (FORMATS section 2)."""
