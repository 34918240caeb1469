"""The defects that `defects` plants: for each a file of the program, the text that stands there, and what replaces it.

The tests named are those most likely to notice; if they do not, all fast tests are asked. `old` must stand
in the file exactly once.
"""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """One line of the program made wrong."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_ATOMIC = ("test_atomic",)
_MARKDOWN = ("test_table", "test_markdown_queue", "test_store_contract")
_SQLITE = ("test_sqlite_queue", "test_store_contract")
_RULES = ("test_operations", "test_store_contract")
_RUNS = ("test_runlog", "test_runlog_durations", "test_kpi")
_KPI = ("test_kpi", "test_kpi_queue_facts")
_GATE = ("test_verdicts",)
_POLICY = ("test_policy", "test_policy_problems")
_FORMATS = ("test_formats",)
_SINKS = ("test_sinks",)

_WRITING = (
    Defect("the new file is not synced", "atomic.py", "            os.fsync(temporary_fd)\n", "", _ATOMIC),
    Defect(
        "the folder is not synced",
        "atomic.py",
        "        _sweep(folder_fd, name)\n        _sync_folder(folder_fd, path)\n",
        "        _sweep(folder_fd, name)\n",
        _ATOMIC,
    ),
    Defect(
        "the temporary name may be a link", "atomic.py", "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW", "os.O_CREAT", _ATOMIC
    ),
    Defect("hard links are not looked for", "atomic.py", "old.st_nlink > 1", "old.st_nlink > 999", _ATOMIC),
    Defect(
        "a file that changed meanwhile is replaced",
        "atomic.py",
        "if _identity(now) != _identity(seen):",
        "if False:",
        _ATOMIC,
    ),
    Defect("the mode is lost", "atomic.py", "    os.fchmod(new_fd, stat.S_IMODE(old.st_mode))\n", "", _ATOMIC),
    Defect(
        "no lock",
        "queues/markdown.py",
        "with locked(self.path, self._lock_timeout_s), self.view() as view:",
        "with self.view() as view:",
        _MARKDOWN,
    ),
    Defect(
        "the edited row is not read back",
        "queues/markdown.py",
        'if parse_row(row.removesuffix("\\r")) != change.after:',
        "if False:",
        ("test_second_lines", *_MARKDOWN),
    ),
    Defect(
        "an item that changed meanwhile is overwritten",
        "queues/markdown.py",
        ", seen=self._document.stat)",
        ")",
        _MARKDOWN,
    ),
    Defect("a deferred transaction", "queues/sqlite/__init__.py", '"BEGIN IMMEDIATE"', '"BEGIN"', _SQLITE),
    Defect(
        "no compare-and-set",
        "queues/sqlite/__init__.py",
        'same = " AND ".join(f"{name} IS ?" for name in seen)',
        'same = " AND ".join(f"{name} IS ?" if name == "id" else "(? IS NULL OR 1)" for name in seen)',
        ("test_second_lines", *_SQLITE),
    ),
    Defect(
        "the event outside of the transaction",
        "queues/sqlite/__init__.py",
        "        event = connection.execute(",
        '        _ = connection.execute("COMMIT"), connection.execute("BEGIN")\n        event = connection.execute(',
        _SQLITE,
    ),
    Defect(
        "the change is not read back",
        "queues/sqlite/__init__.py",
        "if (updated, after, logged) != (",
        "if False and (updated, after, logged) != (",
        _SQLITE,
    ),
    Defect("the lease stays", "queues/sqlite/__init__.py", '("lease_owner", "lease_expires_at") if', "() if", _SQLITE),
    Defect(
        "the time of the change is not kept",
        "queues/sqlite/__init__.py",
        '    columns["updated_at"] = change.changed_at\n',
        "",
        _SQLITE,
    ),
    Defect(
        "triggers write unseen",
        "queues/sqlite/__init__.py",
        "connection.set_authorizer(deny_triggers)",
        "pass",
        _SQLITE,
    ),
)

_READING = (
    Defect(
        "a missing database is made",
        "queues/sqlite/file.py",
        '?mode=rw"',
        '?mode=rwc"',
        ("test_second_lines", *_SQLITE),
    ),
    Defect(
        "a path is an option",
        "queues/sqlite/file.py",
        "_quoted(os.path.abspath(path))",
        "os.path.abspath(path)",
        _SQLITE,
    ),
    Defect(
        "damage is not looked for",
        "queues/sqlite/file.py",
        'if rows != [("ok",)]:',
        "if not rows:",
        (*_SQLITE, "test_verdicts"),
    ),
    Defect(
        "a view passes for the table", "queues/sqlite/file.py", 'if found != [("table",)]:', "if not found:", _SQLITE
    ),
    Defect(
        "lines end where str.splitlines ends them",
        "queues/table.py",
        'else chunk).split("\\n")',
        "else chunk).splitlines()",
        _MARKDOWN,
    ),
    Defect(
        "a no-break space is trimmed",
        "queues/table.py",
        "return [cell.strip(BLANK) for cell in cells]",
        "return [cell.strip() for cell in cells]",
        _MARKDOWN,
    ),
    Defect(
        "a pipe is not escaped", "queues/table.py", '.strip(BLANK).replace("|", "\\\\|")', ".strip(BLANK)", _MARKDOWN
    ),
    Defect(
        "a line break is written into a cell",
        "queues/table.py",
        "return one_line(text).strip(BLANK)",
        "return text.strip(BLANK)",
        _MARKDOWN,
    ),
    Defect(
        "a duplicate id is not seen",
        "queues/markdown.py",
        "if numbers.setdefault(item[0], number) != number:",
        "if False:",
        _MARKDOWN,
    ),
    Defect(
        "a table in a fence is read",
        "queues/blocks.py",
        'return "" if char == "`" and "`" in body[length:] else char * length',
        'return ""',
        ("test_blocks",),
    ),
    Defect("a status of any kind", "queues/table.py", "cells[1] in _STATUSES and ", "", (*_MARKDOWN, "test_verdicts")),
    Defect(
        "a status of any kind beside the row that changes",
        "queues/table.py",
        "_all_in(_STATUSES, cells[2::_PIPES])",
        "True",
        _MARKDOWN,
    ),
    Defect(
        "a status of any kind in a row like the others",
        "queues/table.py",
        "_STATUSES.issuperset(columns[1])",
        "True",
        _MARKDOWN,
    ),
    Defect(
        "a duplicate beside the row that changes",
        "queues/markdown.py",
        "if self._table.defects or len(ids) < count:",
        "if self._table.defects:",
        _MARKDOWN,
    ),
    Defect(
        "a status of any kind in the database",
        "queues/sqlite/rows.py",
        "set(map(_STATUS, rows)) <= _STATUSES",
        "True",
        _SQLITE,
    ),
    Defect("a pipe forges a cell", "queues/sqlite/rows.py", 'line.count("|") == _PIPES', "True", _SQLITE),
    Defect(
        "owners are not compared",
        "checks/consistency.py",
        'if name not in {"id", "notes"}',
        'if name not in {"id", "notes", "owner_session"}',
        ("test_consistency",),
    ),
    Defect(
        "null and nothing differ",
        "checks/consistency.py",
        '(NOTHING if field in DASHED else "")',
        '""',
        ("test_consistency", "test_verdicts"),
    ),
    Defect(
        "rows that only the database has pass",
        "checks/consistency.py",
        'else (MISSING_IN_MD, "Markdown queue")\n            for row, number in rows.items():',
        'else (MISSING_IN_MD, "")\n            for row, number in rows.items() if side == _MD else ():',
        ("test_consistency",),
    ),
    Defect(
        "a row that stands twice hides itself",
        "checks/consistency.py",
        " or not mine.keys().isdisjoint(new)",
        "",
        ("test_consistency",),
    ),
    Defect(
        "rows that wait are forgotten",
        "checks/consistency.py",
        "            mine.update(new)\n",
        "            mine.update(new if len(mine) < 3 else {})\n",
        ("test_consistency",),
    ),
    Defect(
        "duplicates hide",
        "gate/__init__.py",
        "if right.may_hold(comparison.unmatched()):",
        "if False:",
        _GATE,
    ),
)

_DECIDING = (
    Defect("a terminal item is cancelled", "operations.py", "if item.status in TERMINAL:", "if False:", _RULES),
    Defect(
        "notes are replaced",
        "operations.py",
        "for part in (item.notes, note) if part",
        "for part in (note,) if part",
        _RULES,
    ),
    Defect(
        "one attempt too many",
        "operations.py",
        "if attempt >= reliability.max_attempts:",
        "if attempt > reliability.max_attempts:",
        _RULES,
    ),
    Defect("a live lease is retried", "operations.py", "if expires >= now_s:", "if expires < 0:", _RULES),
    Defect("no lease counts as one that ran out", "operations.py", "if expires is None:", "if expires == 0:", _RULES),
    Defect(
        "the backoff of the next attempt",
        "operations.py",
        "backoff_s[min(attempt,",
        "backoff_s[min(attempt + 1,",
        _RULES,
    ),
    Defect("blank notes", "operations.py", "    if not text.strip():\n", "    if text is None:\n", _RULES),
    Defect(
        "replan does not pause what runs",
        "operations.py",
        '"BLOCKED" if item.status == "IN_PROGRESS" else "PENDING"',
        '"PENDING"',
        _RULES,
    ),
    Defect(
        "a percentile off by one", "runlog/durations.py", "-(-percent * count // 100)", "percent * count // 100", _RUNS
    ),
    Defect(
        "a limit that is reached is broken", "checks/kpi.py", "value <= self.limit if", "value < self.limit if", _KPI
    ),
    Defect(
        "a violation of min passes",
        "checks/kpi.py",
        'if self.operator == "<=" else value >= self.limit)',
        'if self.operator == "<=" else True)',
        _KPI,
    ),
    Defect(
        "stale a moment too early",
        "checks/queue_facts.py",
        "now_s - started > stale_minutes * 60",
        "now_s - started >= stale_minutes * 60",
        _KPI,
    ),
    Defect(
        "an unreadable start is fresh",
        "checks/queue_facts.py",
        "if started is None or now_s",
        "if started is not None and now_s",
        _KPI,
    ),
    Defect(
        "malformed lines are skipped",
        "runlog/tally.py",
        "stats.malformed += len(malformed)",
        "stats.malformed += 0",
        _RUNS,
    ),
    Defect(
        "a failed run is an outcome",
        "runlog/tally.py",
        "for end in ends if end.exit_code == 0]",
        "for end in ends]",
        _RUNS,
    ),
    Defect(
        "no data is good",
        "checks/kpi.py",
        "return Verdict(on_insufficient) if",
        "return Verdict.PASS if",
        (*_KPI, "test_verdicts"),
    ),
    Defect(
        "too few samples suffice",
        "checks/kpi.py",
        "return max(0, threshold.min_samples - metric.samples)",
        "return 0",
        _KPI,
    ),
    Defect(
        "a missing file passes",
        "gate/run.py",
        "        found.rules += unjudged(policy.kpi.thresholds, error.message)\n        return\n",
        "        found.errors.clear()\n        return\n",
        _GATE,
    ),
    Defect("what could not be read has exit code 0", "gate/run.py", "_COULD_NOT_RUN = 3", "_COULD_NOT_RUN = 0", _GATE),
    Defect(
        "an alert hides a drift",
        "gate/run.py",
        'return _DRIFT if "consistency" in groups else _ALERT if groups else 0',
        'return _ALERT if "kpi" in groups else _DRIFT if groups else 0',
        _GATE,
    ),
    Defect("a malformed log is only an alert", "gate/run.py", "weighed(must_be_read(rule),", "weighed(rule,", _GATE),
    Defect("a waiver without an end", "checks/waivers.py", "if waiver.expires >= today]", "if waiver.expires]", _GATE),
    Defect(
        "a waiver ends a day early",
        "checks/waivers.py",
        "if waiver.expires >= today]",
        "if waiver.expires > today]",
        _GATE,
    ),
    Defect("a waiver holds for every item", "checks/waivers.py", "waiver.item in {None, finding.item} and ", "", _GATE),
    Defect(
        "the zone is forgotten",
        "clock.py",
        "hour * _MINUTES_AN_HOUR + minute - tz_minutes",
        "hour * _MINUTES_AN_HOUR + minute",
        ("test_clock",),
    ),
    Defect(
        "the policy beats the environment",
        "settings.py",
        'queue or environ.get("ORCH_QUEUE_MD") or _in_policy(policy, policy.queue if policy else None)',
        'queue or _in_policy(policy, policy.queue if policy else None) or environ.get("ORCH_QUEUE_MD")',
        _GATE,
    ),
    Defect(
        "a duplicate key in the policy",
        "policy/yamltext.py",
        "            if name in mapping:\n",
        "            if False:\n",
        _POLICY,
    ),
    Defect("an alias in the policy", "policy/yamltext.py", "if isinstance(event, AliasEvent):", "if False:", _POLICY),
    Defect(
        "an infinite limit",
        "policy/scalars.py",
        "return UNKNOWN if _NOT_FINITE.fullmatch(text) else text",
        'return float("inf") if _NOT_FINITE.fullmatch(text) else text',
        _POLICY,
    ),
)

_SPEAKING = (
    Defect(
        "JUnit is not escaped", "formats/junit.py", "return escape(visible(text))", "return visible(text)", _FORMATS
    ),
    Defect(
        "a pipe in a Markdown report",
        "formats/markdown.py",
        'cell.replace("|", r"\\|") for cell in row',
        "cell for cell in row",
        _FORMATS,
    ),
    Defect("percent signs in GitHub's data", "formats/github.py", '.replace("%", "%25")', "", ("test_formats_github",)),
    Defect("GitHub's older commands in an annotation", "formats/github.py", '.replace("##[", "## [")', "", _FORMATS),
    Defect("commas in GitHub's properties", "formats/github.py", '.replace(",", "%2C")', "", _FORMATS),
    Defect("quotes in OpenMetrics", "formats/openmetrics.py", """.replace('"', r"\\"")""", "", _FORMATS),
    Defect("braces in SARIF", "formats/sarif.py", '.replace("{", "{{").replace("}", "}}")', "", _FORMATS),
    Defect("commands in JSON", "report/published.py", '.replace("##[", r"#\\u0023[")', "", ("test_report",)),
    Defect("format characters are shown", "text.py", '"Cc", "Cf", ', '"Cc", ', ("test_text",)),
    Defect("controls are shown", "text.py", '{"Cc", ', "{", ("test_text",)),
    Defect("an indented command", "text.py", "body = broken.lstrip()", "body = broken", ("test_text",)),
    Defect(
        "GitHub's older commands in ordinary output",
        "text.py",
        'broken = line.replace("##[", "## [")',
        "broken = line",
        ("test_text",),
    ),
    Defect(
        "reports on stdout command GitHub",
        "commands/checks.py",
        "shown.append(Document(_for_stdout(call, name, text)))",
        "shown.append(Document(text))",
        _SINKS,
    ),
    Defect(
        "an exit code by format",
        "commands/checks.py",
        "    return found.exit_code, shown\n",
        '    return (0 if ("json", None) in _formats(call) else found.exit_code), shown\n',
        _GATE,
    ),
    Defect(
        "--exit-zero hides what was not evaluated",
        "commands/checks.py",
        "call.args.exit_zero and code < _COULD_NOT_RUN",
        "call.args.exit_zero and code",
        _GATE,
    ),
    Defect(
        "results that were not written are a success",
        "cli.py",
        "return code if written else _FAILED",
        "return code",
        ("test_cli",),
    ),
)

DEFECTS: tuple[Defect, ...] = (*_WRITING, *_READING, *_DECIDING, *_SPEAKING)
