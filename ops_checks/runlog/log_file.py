"""What a run log is called where one cannot be read."""

from __future__ import annotations

from ops_checks.files.safe_open import FileKind

LOG = FileKind("run log", "name the file that the runs append to")
