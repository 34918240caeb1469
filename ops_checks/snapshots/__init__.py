"""A snapshot of the queue's database and its KPIs in a file, for checks where neither database nor log is."""

from __future__ import annotations

#: The kind of its store, and of its input in a report.
SNAPSHOT = "snapshot"
