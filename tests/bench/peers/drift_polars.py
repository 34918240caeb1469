"""The drift between a Markdown queue and a database with polars: parse the table, load the rows, full join."""

import sqlite3
import sys

import polars as pl

_FIELDS = ("status", "priority", "task", "success_criteria", "owner_session", "started_at_kst", "due_at_kst")
_COLUMNS = ("id", *_FIELDS, "notes")

# A backslash before a pipe keeps it in its cell: such pipes step aside while the line is split.
line = pl.col("line").str.replace_all("\\|", "\0", literal=True).str.split_exact("|", len(_COLUMNS) + 1)
md = (
    pl.read_csv(sys.argv[1], separator="\1", has_header=False, quote_char=None, new_columns=["line"])
    .filter(pl.col("line").str.starts_with("| ORCH-"))
    .select(line.alias("cells"))
    .select(
        pl.col("cells").struct[number].str.strip_chars(" ").str.replace_all("\0", "|", literal=True).alias(name)
        for number, name in enumerate(_COLUMNS, 1)
    )
)
db = pl.read_database(f"SELECT {', '.join(_COLUMNS)} FROM queue_items ORDER BY rowid", sqlite3.connect(sys.argv[2]))
both = md.join(db, on="id", how="full", suffix="_db")
missing_in_db = both["id_db"].null_count()
missing_in_md = both["id"].null_count()
different = sum(both.select((pl.col(name) != pl.col(f"{name}_db")).sum()).item() for name in _FIELDS)
sys.stdout.write(
    f"total={len(md)} missing_in_db={missing_in_db} missing_in_md={missing_in_md} field_mismatch={different}\n"
)
