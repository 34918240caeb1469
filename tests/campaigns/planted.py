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


_ATOMIC = ("test_atomic_write",)
_EXCHANGE = ("test_exchange",)
_MARKDOWN = ("test_table", "test_markdown_store", "test_store_contract")
_SQLITE = ("test_sqlite_store", "test_store_contract")
_RULES = ("test_transitions", "test_store_contract")
_RUNS = ("test_reader", "test_aggregator", "test_percentiles", "test_part_reader", "test_kpi")
_KPI = ("test_kpi", "test_queue_statistics")
_GATE = ("test_verdicts",)
_POLICY = ("test_loader", "test_validator")
_FORMATS = ("test_formats",)
_SINKS = ("test_sinks",)
_RECONCILE = ("test_planner", "test_decisions", "test_apply", "test_laws")

_WRITING = (
    Defect("the new file is not synced", "files/atomic_write.py", "            os.fsync(temporary_fd)\n", "", _ATOMIC),
    Defect(
        "the folder is not synced",
        "files/atomic_write.py",
        "        _sweep(folder_fd, name)\n        sync_folder(folder_fd, path)\n",
        "        _sweep(folder_fd, name)\n",
        _ATOMIC,
    ),
    Defect(
        "the temporary name may be a link",
        "files/atomic_write.py",
        "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW",
        "os.O_CREAT",
        _ATOMIC,
    ),
    Defect("hard links are not looked for", "files/atomic_write.py", "old.st_nlink > 1", "old.st_nlink > 999", _ATOMIC),
    Defect(
        "a file that changed meanwhile is replaced",
        "files/atomic_write.py",
        "if _identity(now) != _identity(seen):",
        "if False:",
        _ATOMIC,
    ),
    Defect(
        "the mode is lost", "files/atomic_write.py", "    os.fchmod(new_fd, stat.S_IMODE(old.st_mode))\n", "", _ATOMIC
    ),
    Defect(
        "no lock",
        "stores/markdown/writing.py",
        "with locked(path, timeout_s, until) as guarded, MarkdownSnapshot(path) as snapshot:",
        "with MarkdownSnapshot(path) as snapshot:\n            guarded = lambda: True  # noqa: E731",
        _MARKDOWN,
    ),
    Defect(
        "the edited row is not read back",
        "stores/markdown/writing.py",
        "if _item(row) != change.after:",
        "if False:",
        ("test_verified_writes", *_MARKDOWN),
    ),
    Defect(
        "an item that changed meanwhile is overwritten",
        "stores/markdown/snapshot.py",
        ", seen=seen)",
        ")",
        _MARKDOWN,
    ),
    Defect(
        "what an exchange displaced is not looked at",
        "files/exchange.py",
        "        same = _may_be_replaced(folder_fd, temporary, seen, leases=leases) and seen.unchanged()\n",
        "        same = True\n",
        _EXCHANGE,
    ),
    Defect(
        "what was displaced is not given back",
        "files/exchange.py",
        "            _give_back(folder_fd, temporary, name, new)\n",
        "            pass\n",
        _EXCHANGE,
    ),
    Defect(
        "who may still write is not waited for",
        "files/exchange.py",
        " and not (leases and _has_writers(folder_fd, name))",
        "",
        _EXCHANGE,
    ),
    Defect(
        "what another program wrote is removed",
        "files/exchange.py",
        "if _digest(beside) not in other",
        "if not other",
        _EXCHANGE,
    ),
    Defect(
        "a lock that was removed counts",
        "files/file_lock.py",
        "_try_lock(fd, name) and lock_stands(fd, name)",
        "_try_lock(fd, name)",
        ("test_file_lock",),
    ),
    Defect(
        "a lock that is lost is not noticed",
        "stores/markdown/writing.py",
        "lambda: guarded() and not git.busy()",
        "lambda: not git.busy()",
        _MARKDOWN,
    ),
    Defect(
        "git's lock is not waited for",
        "files/git_index.py",
        " or self._locked_since() is not None",
        "",
        ("test_git_index",),
    ),
    Defect(
        "a change that was undone is not told",
        "stores/markdown/writing.py",
        "    if not stands():\n",
        "    if False:\n",
        _MARKDOWN,
    ),
    Defect("a deferred transaction", "stores/sqlite/store.py", '"BEGIN IMMEDIATE"', '"BEGIN"', _SQLITE),
    Defect(
        "no compare-and-set",
        "stores/sqlite/writing.py",
        "same, seen = row.unchanged()",
        'same, seen = "1", []',
        ("test_verified_writes", *_SQLITE),
    ),
    Defect(
        "the event outside of the transaction",
        "stores/sqlite/writing.py",
        "    event = connection.execute(",
        '    _ = connection.execute("COMMIT"), connection.execute("BEGIN")\n    event = connection.execute(',
        _SQLITE,
    ),
    Defect(
        "the change is not read back",
        "stores/sqlite/writing.py",
        "    if (written, after) != (1, [tuple(columns.values())]):",
        "    if False:",
        _SQLITE,
    ),
    Defect("the lease stays", "stores/sqlite/writing.py", '("lease_owner", "lease_expires_at") if', "() if", _SQLITE),
    Defect(
        "the time of the change is not kept",
        "stores/sqlite/writing.py",
        '    columns["updated_at"] = change.changed_at\n',
        "",
        _SQLITE,
    ),
    Defect(
        "triggers write unseen",
        "stores/sqlite/connection.py",
        "connection.set_authorizer(deny_triggers)",
        "pass",
        _SQLITE,
    ),
)

_READING = (
    Defect(
        "a missing database is made",
        "stores/sqlite/connection.py",
        '?mode=rw"',
        '?mode=rwc"',
        ("test_verified_writes", *_SQLITE),
    ),
    Defect(
        "a path is an option",
        "stores/sqlite/connection.py",
        "_quoted(os.path.abspath(path))",
        "os.path.abspath(path)",
        _SQLITE,
    ),
    Defect(
        "damage is not looked for",
        "stores/sqlite/connection.py",
        'if rows != [("ok",)]:',
        "if not rows:",
        (*_SQLITE, "test_verdicts"),
    ),
    Defect(
        "marks of a merge are read over",
        "stores/markdown/snapshot.py",
        "        if document.may_be_unmerged:\n",
        "        if False:\n",
        ("test_conflicts",),
    ),
    Defect(
        "an example of a merge in a code block is one",
        "stores/markdown/misreadings.py",
        " and not blocks.in_code",
        "",
        ("test_conflicts",),
    ),
    Defect(
        "a view passes for the table",
        "stores/sqlite/connection.py",
        'if found != [("table",)]:',
        "if not found:",
        _SQLITE,
    ),
    Defect(
        "lines end where str.splitlines ends them",
        "stores/markdown/table.py",
        'else chunk).split("\\n")',
        "else chunk).splitlines()",
        _MARKDOWN,
    ),
    Defect(
        "a no-break space is trimmed",
        "stores/markdown/table.py",
        "return [cell.strip(BLANK) for cell in cells]",
        "return [cell.strip() for cell in cells]",
        _MARKDOWN,
    ),
    Defect(
        "a pipe is not escaped",
        "stores/markdown/table.py",
        '.strip(BLANK).replace("|", "\\\\|")',
        ".strip(BLANK)",
        _MARKDOWN,
    ),
    Defect(
        "a line break is written into a cell",
        "stores/markdown/table.py",
        "return one_line(text).strip(BLANK)",
        "return text.strip(BLANK)",
        _MARKDOWN,
    ),
    Defect(
        "a duplicate id is not seen",
        "stores/markdown/snapshot.py",
        "if numbers.setdefault(item[0], number) != number:",
        "if False:",
        _MARKDOWN,
    ),
    Defect(
        "a table in a fence is read",
        "stores/markdown/block_starts.py",
        'return "" if char == "`" and "`" in body[length:] else char * length',
        'return ""',
        ("test_blocks",),
    ),
    Defect(
        "a status of any kind",
        "stores/markdown/table.py",
        "cells[1] in _STATUSES and ",
        "",
        (*_MARKDOWN, "test_verdicts"),
    ),
    Defect(
        "a status of any kind beside the row that changes",
        "stores/markdown/table.py",
        "_all_in(_STATUSES, cells[2::_PIPES])",
        "True",
        _MARKDOWN,
    ),
    Defect(
        "a status of any kind in a row like the others",
        "stores/markdown/table.py",
        "_STATUSES.issuperset(columns[1])",
        "True",
        _MARKDOWN,
    ),
    Defect(
        "a duplicate beside the row that changes",
        "stores/markdown/snapshot.py",
        "if len(ids) < count:",
        "if False:",
        _MARKDOWN,
    ),
    Defect(
        "a paragraph of a list does not go on",
        "stores/markdown/open_blocks.py",
        "return lazy or opened > 0 or bool(self._quotes)",
        "return opened > 0 or bool(self._quotes)",
        ("test_blocks",),
    ),
    Defect(
        "a packed log of any size is read",
        "runlog/line_reader.py",
        "if left < 0:",
        "if False:",
        ("test_line_reader",),
    ),
    Defect(
        "a status of any kind in the database",
        "stores/sqlite/rows.py",
        "set(map(_STATUS, rows)) <= _STATUSES",
        "True",
        _SQLITE,
    ),
    Defect("a pipe forges a cell", "stores/sqlite/rows.py", 'line.count("|") == _PIPES', "True", _SQLITE),
    Defect(
        "owners are not compared",
        "rules/drift/rules.py",
        'if name not in {"id", "notes"}',
        'if name not in {"id", "notes", "owner_session"}',
        ("test_comparison",),
    ),
    Defect(
        "a code span has escapes",
        "rules/drift/inline.py",
        'self._pieces.append([f"code {code}"])',
        'self._pieces.append(["code ", *_ESCAPE.sub(r"\\1", code)])',
        ("test_inline",),
    ),
    Defect(
        "a backslash escapes letters",
        "rules/drift/inline.py",
        r"""re.compile(r"\\([" + re.escape(_PUNCTUATION) + "])")""",
        r're.compile(r"\\(.)")',
        ("test_inline",),
    ),
    Defect(
        "null and nothing differ",
        "rules/drift/pair.py",
        '(NOTHING if field in DASHED else "")',
        '""',
        ("test_comparison", "test_verdicts"),
    ),
    Defect(
        "rows that only the database has pass",
        "rules/drift/rules.py",
        "if pair.db and not pair.md:",
        "if False:",
        ("test_comparison",),
    ),
    Defect(
        "a row that stands twice hides itself",
        "rules/drift/comparison.py",
        " or not mine.keys().isdisjoint(new)",
        "",
        ("test_comparison",),
    ),
    Defect(
        "rows that wait are forgotten",
        "rules/drift/comparison.py",
        "            mine.update(new)\n",
        "            mine.update(new if len(mine) < 3 else {})\n",
        ("test_comparison",),
    ),
    Defect(
        "duplicates hide",
        "gate/stable_reading.py",
        "if right.may_hold(comparison.unmatched()):",
        "if False:",
        _GATE,
    ),
)

_DECIDING = (
    Defect("a terminal item is cancelled", "transitions.py", "if item.status in TERMINAL:", "if False:", _RULES),
    Defect(
        "notes are replaced",
        "transitions.py",
        "for part in (item.notes, note) if part",
        "for part in (note,) if part",
        _RULES,
    ),
    Defect(
        "one attempt too many",
        "transitions.py",
        "if attempt >= most:",
        "if attempt > most:",
        _RULES,
    ),
    Defect(
        "a lease in milliseconds runs for ever",
        "timestamps.py",
        "if whole and value <= now_s + _YEAR_S:",
        "if whole:",
        _RULES,
    ),
    Defect("a live lease is retried", "transitions.py", "if expires >= now_s:", "if expires < 0:", _RULES),
    Defect("no lease counts as one that ran out", "transitions.py", "if expires is None:", "if expires == 0:", _RULES),
    Defect(
        "the backoff of the next attempt",
        "transitions.py",
        "backoff_s[min(attempt,",
        "backoff_s[min(attempt + 1,",
        _RULES,
    ),
    Defect("blank notes", "transitions.py", "    if not text.strip():\n", "    if text is None:\n", _RULES),
    Defect(
        "replan does not pause what runs",
        "transitions.py",
        '"BLOCKED" if item.status == "IN_PROGRESS" else "PENDING"',
        '"PENDING"',
        _RULES,
    ),
    Defect(
        "a percentile off by one",
        "runlog/percentiles.py",
        "-(-percent * count // 100)",
        "percent * count // 100",
        _RUNS,
    ),
    Defect(
        "a limit that is reached is broken", "rules/rule.py", "value <= self.limit if", "value < self.limit if", _KPI
    ),
    Defect(
        "a violation of min passes",
        "rules/rule.py",
        'if self.operator == "<=" else value >= self.limit)',
        'if self.operator == "<=" else True)',
        _KPI,
    ),
    Defect(
        "stale a moment too early",
        "rules/kpi/queue_statistics.py",
        "self._now_s - started > self._stale_s",
        "self._now_s - started >= self._stale_s",
        _KPI,
    ),
    Defect(
        "an unreadable start is fresh",
        "rules/kpi/queue_statistics.py",
        "if started is None or self._now_s",
        "if started is not None and self._now_s",
        _KPI,
    ),
    Defect(
        "malformed lines are skipped",
        "runlog/aggregator.py",
        "stats.malformed += sum(type(row) is Malformed for row in rows)",
        "stats.malformed += 0",
        _RUNS,
    ),
    Defect(
        "a failed run is an outcome",
        "runlog/aggregator.py",
        "for end in ends if end.exit_code == 0]",
        "for end in ends]",
        _RUNS,
    ),
    Defect(
        "no data is good",
        "rules/rule.py",
        "counted = Verdict(on_insufficient) if",
        "counted = Verdict.PASS if",
        (*_KPI, "test_verdicts"),
    ),
    Defect(
        "too few samples suffice",
        "rules/rule.py",
        "return max(0, threshold.min_samples - metric.samples)",
        "return 0",
        _KPI,
    ),
    Defect(
        "a missing file passes",
        "gate/run.py",
        "            found.results.append(not_evaluated(rule, threshold, evidence.message))\n        return\n",
        "            found.errors.clear()\n        return\n",
        _GATE,
    ),
    Defect(
        "what could not be read has exit code 0",
        "gate/verdict.py",
        "Verdict.ERROR, NOT_EVALUATED",
        "Verdict.ERROR, OK",
        _GATE,
    ),
    Defect(
        "an alert hides a drift",
        "gate/verdict.py",
        "code = min({code for",
        "code = max({code for",
        _GATE,
    ),
    Defect(
        "a malformed log is only an alert",
        "gate/verdict.py",
        'elif result.id == "malformed-lines" and result.verdict is Verdict.FAIL and result.live:',
        "elif False:",
        _GATE,
    ),
    Defect("a waiver without an end", "rules/waivers.py", "if waiver.expires >= today]", "if waiver.expires]", _GATE),
    Defect(
        "a waiver ends a day early",
        "rules/waivers.py",
        "if waiver.expires >= today]",
        "if waiver.expires > today]",
        _GATE,
    ),
    Defect(
        "a waiver holds for every item",
        "rules/waivers.py",
        "targets = [(item, field) for item in (finding.item, None) for field in (finding.field, None)]",
        "targets = list(by_target)",
        _GATE,
    ),
    Defect(
        "only the worst findings are offered to waivers",
        "rules/kpi/queue_statistics.py",
        "if candidate[2] in self._offered:",
        "if False:",
        ("test_waivers",),
    ),
    Defect(
        "a waiver heals what must be at least so many",
        "rules/rule.py",
        'lower if each.operator == "<=" else value',
        "lower",
        ("test_waivers",),
    ),
    Defect("a group that is off is green", "gate/verdict.py", "if len(off) == len(asked):", "if False:", _GATE),
    Defect("an old log is as good as a new one", "gate/inputs.py", "if age_s <= max_age_s:", "if age_s:", _GATE),
    Defect(
        "a start that lies ahead is fresh",
        "rules/kpi/queue_statistics.py",
        "return since - self._now_s > MOST_AHEAD_S",
        "return False",
        _KPI,
    ),
    Defect(
        "seconds pass for milliseconds",
        "runlog/aggregator.py",
        "span and (span[0] < self._valid_ms[0] or span[1] > self._valid_ms[1])",
        "False",
        _GATE,
    ),
    Defect(
        "a folder that may not be listed is empty",
        "runlog/patterns.py",
        "except (FileNotFoundError, NotADirectoryError):\n            return []",
        "except OSError:\n            return []",
        ("test_patterns",),
    ),
    Defect(
        "what is not compared is a sample",
        "rules/drift/drift.py",
        "max(self.total - self.ignored, self.total_db - self.ignored_db)",
        "max(self.total, self.total_db)",
        ("test_comparison", "test_check"),
    ),
    Defect(
        "the zone is forgotten",
        "timestamps.py",
        "hour * _MINUTES_AN_HOUR + minute - tz_minutes",
        "hour * _MINUTES_AN_HOUR + minute",
        ("test_timestamps",),
    ),
    Defect(
        "the policy beats the environment",
        "context.py",
        'or environ.get("ORCH_QUEUE_MD")\n        or _in_policy(policy, policy.queue if policy else None)',
        'or _in_policy(policy, policy.queue if policy else None)\n        or environ.get("ORCH_QUEUE_MD")',
        _GATE,
    ),
    Defect(
        "a duplicate key in the policy",
        "policy/yaml_reader.py",
        "            if name in mapping:\n",
        "            if False:\n",
        _POLICY,
    ),
    Defect(
        "an alias in the policy", "policy/yaml_reader.py", "if isinstance(event, AliasEvent):", "if False:", _POLICY
    ),
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
    Defect("percent signs in GitHub's data", "formats/github.py", '.replace("%", "%25")', "", ("test_github",)),
    Defect("GitHub's older commands in an annotation", "formats/github.py", '.replace("##[", "## [")', "", _FORMATS),
    Defect("commas in GitHub's properties", "formats/github.py", '.replace(",", "%2C")', "", _FORMATS),
    Defect("quotes in OpenMetrics", "formats/openmetrics.py", """.replace('"', r"\\"")""", "", _FORMATS),
    Defect("braces in SARIF", "formats/sarif.py", '.replace("{", "{{").replace("}", "}}")', "", _FORMATS),
    Defect("commands in JSON", "report/serialize.py", '.replace("##[", r"#\\u0023[")', "", ("test_report_serialize",)),
    Defect("format characters are shown", "sanitize.py", '"Cc", "Cf", ', '"Cc", ', ("test_sanitize",)),
    Defect("controls are shown", "sanitize.py", '{"Cc", ', "{", ("test_sanitize",)),
    Defect("an indented command", "sanitize.py", "body = broken.lstrip()", "body = broken", ("test_sanitize",)),
    Defect(
        "GitHub's older commands in ordinary output",
        "sanitize.py",
        'broken = line.replace("##[", "## [")',
        "broken = line",
        ("test_sanitize",),
    ),
    Defect(
        "reports on stdout command GitHub",
        "cli/report_files.py",
        "text = _for_log(invocation, name, text)",
        "pass",
        _SINKS,
    ),
    Defect(
        "an exit code by format",
        "cli/report_files.py",
        "    return report.exit_code, shown\n",
        '    return (0 if ("json", None) in _targets(invocation) else report.exit_code), shown\n',
        _GATE,
    ),
    Defect(
        "--exit-zero hides what was not evaluated",
        "cli/commands/check.py",
        "args.exit_zero and code < NOT_EVALUATED",
        "args.exit_zero and code",
        _GATE,
    ),
    Defect(
        "the first of two values is dropped",
        "cli/parser.py",
        "if first != values:",
        "if False:",
        ("test_repeated_options",),
    ),
    Defect(
        "only the last of several items counts",
        "cli/mutation.py",
        "ids = list(dict.fromkeys(args.id))",
        "ids = args.id[-1:]",
        ("test_repeated_options",),
    ),
    Defect(
        "a stale item is shown in the run log",
        "presentation/locations.py",
        "first and rule.group == KPI.id else None",
        "first and not rule else None",
        ("test_locations",),
    ),
    Defect(
        "results that were not written are a success",
        "cli/entry.py",
        "return code if written else NOT_EVALUATED",
        "return code",
        ("test_cli",),
    ),
)

_RECONCILING = (
    Defect(
        "a lease that runs is ignored",
        "reconcile/claims.py",
        "    return ends_s is None or ends_s > now_s\n",
        "    return False\n",
        _RECONCILE,
    ),
    Defect(
        "what a plan saw is not compared",
        "reconcile/application.py",
        "    if not _matches(_on(action.to, state), action.before) or (",
        "    if (",
        _RECONCILE,
    ),
    Defect(
        "what a plan copies is not compared",
        "reconcile/application.py",
        "    return _matches(_on(source, state), open_sides.get(source, action.after))\n",
        "    return True\n",
        _RECONCILE,
    ),
    Defect(
        "where the document comes from is not asked",
        "reconcile/decision.py",
        "if self.situation.lineage == LINEAGE_UNKNOWN:",
        "if False:",
        _RECONCILE,
    ),
    Defect(
        "a row that vanished is removed by itself",
        "reconcile/one_side.py",
        "    if preference is None or not (preference.by_name or (WAYS[reason].bulk and restores)):\n",
        "    if preference is None:\n        decision.act(ROW, REMOVE, side, PREFERRED, item, None)\n"
        "    elif not (preference.by_name or (WAYS[reason].bulk and restores)):\n",
        _RECONCILE,
    ),
    Defect(
        "a row that was never agreed is removed",
        "reconcile/one_side.py",
        "    if not decision.was_agreed:\n        against = reason\n    elif",
        "    if",
        _RECONCILE,
    ),
    Defect(
        "notes that both sides appended to go to one",
        "reconcile/both_sides.py",
        "for side, item, text in ((DB, pair.db, texts[1]), (MD, pair.md, texts[0])):",
        "for side, item, text in ((DB, pair.db, texts[1]),):",
        _RECONCILE,
    ),
    Defect(
        "the base advances to what only one side says",
        "reconcile/agreement.py",
        "            if same(md, db, unit):\n",
        "            if True:\n",
        _RECONCILE,
    ),
    Defect(
        "a base is made of nothing",
        "reconcile/apply.py",
        "    if base is None and plan.actions and",
        "    if False and",
        ("test_reconcile",),
    ),
    Defect(
        "a preference for everything changes what has ended",
        "reconcile/both_sides.py",
        "    unnamed = None if preference.by_name else pair.decision.objection(unit, pair.md, pair.db)\n",
        "    unnamed = None\n",
        _RECONCILE,
    ),
    Defect(
        "a plan's digest is not compared",
        "reconcile/plan_file.py",
        'if data["digest"] != digest(data) or',
        "if",
        ("test_plan_file",),
    ),
    Defect(
        "an interrupted plan is not recorded before the document is written",
        "reconcile/apply.py",
        '        transaction.records().save(self._record(PREPARED, "{}", ""))\n',
        "",
        ("test_laws",),
    ),
    Defect(
        "a plan that was made with a version in git is applied",
        "reconcile/apply.py",
        '    if plan.data["base"]["source"] == FROM_GIT:\n',
        "    if False:\n",
        ("test_reconcile_bases",),
    ),
    Defect(
        "a baseline of another queue is taken",
        "reconcile/stops.py",
        "    if situation.foreign_base and options.max_removed is None:\n",
        "    if False:\n",
        ("test_reconcile_bases",),
    ),
    Defect(
        "an exported baseline's digest is not compared",
        "reconcile/base_file.py",
        ' or end.digest != f"sha256:{self._digest.hexdigest()}"',
        "",
        ("test_base_file",),
    ),
    Defect(
        "an item is written as a comparison has it, on one line",
        "reconcile/writing.py",
        "        return state if item is None else replace(state, db=item)\n",
        "        return state\n",
        ("test_reconcile_dry_run",),
    ),
)

DEFECTS: tuple[Defect, ...] = (*_WRITING, *_READING, *_DECIDING, *_SPEAKING, *_RECONCILING)
