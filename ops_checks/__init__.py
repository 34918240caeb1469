"""The gate between a task queue in Markdown and the same queue in SQLite."""

__version__ = "0.1.0"
