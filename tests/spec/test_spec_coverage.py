"""Every sentence of the specification, and every row of FORMATS sections 5 to 7, has a test that holds it.

TABLE is the promise. It is held against the documents (nothing left out, nothing made up) and against
the test modules (every test that is named exists).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "ops_checks"
EXAMPLE = ("test_spec_examples.py::test_example", "test_spec_examples.py::test_example_changes_what_it_should")
TRANSITIONS = ("test_transitions.py::test_the_table_of_transitions",)
UNKNOWN_ID = ("test_cli.py::test_commands", "test_store_contract.py::test_an_unknown_id_is_refused")
WRITE_FAILURE = (
    "test_store_contract.py::test_a_lock_that_is_held_ends_in_an_error",
    "test_atomic_write.py::test_no_room",
    "test_sqlite_store.py::test_a_trigger_that_undoes_the_change_is_found_out",
)

#: Section of a document → how one of its sentences begins → the tests that hold it.
TABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "OPS Commands Spec (v1)": {
        "Operator command interface": ("test_cli.py::test_commands",),
        "CLI entrypoint: `python3": EXAMPLE,
    },
    "Global options": {
        "`--queue <path>`": ("test_cli.py::test_commands", "test_cli.py::test_the_default_paths"),
        "`--db <path>`": ("test_cli.py::test_commands", "test_spec_examples.py::test_output_of_status"),
    },
    "status": {
        "Show fast operational summary": (
            "test_lines.py::test_status_shows_the_first_five",
            "test_overview.py::test_items_are_counted_by_status",
        ),
        "Show top `IN_PROGRESS` rows": (
            "test_lines.py::test_status_shows_the_first_five",
            "test_overview.py::test_the_order_of_triage",
        ),
        "none (plus optional": ("test_cli.py::test_commands",),
        "Line 1: `summary": (
            "test_spec_examples.py::test_output_of_status",
            "test_lines.py::test_status_of_an_empty_queue",
        ),
        "Next lines: `top_in_progress:`": (
            "test_lines.py::test_status_shows_the_first_five",
            "test_lines.py::test_status_of_an_empty_queue",
        ),
        "Read-only command.": (
            "test_spec_examples.py::test_example_changes_what_it_should",
            "test_cli.py::test_commands",
        ),
        "queue/db path missing": (
            "test_bad_input.py::test_bad_input",
            "test_store_contract.py::test_what_is_no_file_is_an_error",
            "test_cli.py::test_the_default_paths",
        ),
        "malformed markdown table": (
            "test_bad_input.py::test_bad_input",
            "test_markdown_store.py::test_defects_are_all_told",
            "test_sqlite_store.py::test_another_schema_is_an_error",
        ),
        "Markdown: `python3": EXAMPLE,
        "SQLite: `python3": EXAMPLE,
    },
    "workers": {
        "Show worker(owner_session)": (
            "test_lines.py::test_workers",
            "test_overview.py::test_workers_are_grouped_by_owner",
        ),
        "`IN_PROGRESS` 항목을 owner": ("test_overview.py::test_workers_are_grouped_by_owner",),
        "none (plus optional": ("test_cli.py::test_commands",),
        "Line 1: `workers_active": ("test_spec_examples.py::test_output_of_workers", "test_lines.py::test_workers"),
        "Next lines: `- <owner": ("test_spec_examples.py::test_output_of_workers", "test_lines.py::test_workers"),
        "항목이 없으면": ("test_lines.py::test_workers", "test_overview.py::test_nobody_at_work"),
        "Read-only command.": (
            "test_spec_examples.py::test_example_changes_what_it_should",
            "test_cli.py::test_commands",
        ),
        "Markdown: `python3": EXAMPLE,
        "SQLite: `python3": EXAMPLE,
    },
    "consistency-check": {
        "`QUEUE.md`와 SQLite": (
            "test_comparison.py::test_the_comparison_is_that_of_two_dictionaries",
            "test_comparison.py::test_stores_are_compared",
        ),
        "DB SSOT 전환 시": (
            "test_comparison.py::test_every_kind_of_drift_is_found_with_its_places",
            "test_cli.py::test_drift",
        ),
        "`--queue-path <path>`": ("test_cli.py::test_commands", "test_cli.py::test_the_default_paths"),
        "`--db-path <path>`": ("test_cli.py::test_commands", "test_cli.py::test_the_default_paths"),
        "일치: ": ("test_lines.py::test_consistency_ok", "test_cli.py::test_commands"),
        "불일치: ": (
            "test_spec_examples.py::test_output_of_consistency_check",
            "test_lines.py::test_consistency_mismatch",
        ),
        "`python3 automation/orchestrator/ops.py consistency-check`": EXAMPLE,
        "`python3 automation/orchestrator/ops.py consistency-check --queue-path": EXAMPLE,
    },
    "kpi": {
        "운영 KPI를": ("test_spec_examples.py::test_output_of_kpi", "test_kpi.py::test_latencies"),
        "`--log-path <path>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
        ),
        "`--db-path <path>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
        ),
        "`--max-failure-rate <float>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
            "test_kpi.py::test_default_failure_rate",
        ),
        "`--max-latency-p95-ms <int>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
        ),
        "`--max-stale-in-progress <int>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
        ),
        "`--stale-minutes <int>`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_defaults_of_kpi",
            "test_queue_statistics.py::test_stale_boundary",
        ),
        "`--fail-on-alert`": (
            "test_spec_examples.py::test_options_of_kpi",
            "test_spec_examples.py::test_nothing_to_alert",
            "test_check.py::test_kpi_alert_exits_in_every_format",
        ),
        "`kpi success_rate": (
            "test_spec_examples.py::test_output_of_kpi",
            "test_spec_examples.py::test_nothing_to_alert",
        ),
        "임계치 초과 시": ("test_spec_examples.py::test_output_of_kpi", "test_spec_examples.py::test_options_of_kpi"),
        "`python3 automation/orchestrator/ops.py kpi`": EXAMPLE,
        "`python3 automation/orchestrator/ops.py kpi --max": EXAMPLE,
    },
    "cancel": {
        "Stop operator-owned work": TRANSITIONS,
        "Transition item to `BLOCKED`": (*TRANSITIONS, "test_transitions.py::test_the_payload_tells_who_and_what"),
        "`--id <ORCH-xxx>` (required)": ("test_cli.py::test_usage_errors", "test_cli.py::test_commands"),
        "`<id> -> BLOCKED`": ("test_cli.py::test_commands",),
        "Reject terminal rows": (*TRANSITIONS, "test_cli.py::test_commands"),
        "Preserve existing notes": (*TRANSITIONS, "test_transitions.py::test_first_notes_have_no_separator"),
        "id not found": UNKNOWN_ID,
        "terminal row cancellation attempted": (*TRANSITIONS, "test_cli.py::test_commands"),
        "queue/db write failure": WRITE_FAILURE,
        "Markdown: `python3": EXAMPLE,
        "SQLite: `python3": EXAMPLE,
    },
    "replan": {
        "Record replan rationale": (*TRANSITIONS, "test_transitions.py::test_the_payload_tells_who_and_what"),
        "`--id <ORCH-xxx>` (required)": ("test_cli.py::test_usage_errors", "test_cli.py::test_commands"),
        "`--notes": ("test_cli.py::test_usage_errors", "test_transitions.py::test_blank_notes_are_a_usage_error"),
        "If current status is `IN_PROGRESS`": (*TRANSITIONS, "test_cli.py::test_commands"),
        "Otherwise -> set `PENDING`": (*TRANSITIONS, "test_cli.py::test_commands"),
        "`<id> -> BLOCKED` or": ("test_cli.py::test_commands",),
        "Keep original notes": (*TRANSITIONS, "test_transitions.py::test_notes_are_one_line_and_kept"),
        "Reset owner/lease fields": (*TRANSITIONS, "test_sqlite_store.py::test_a_change_writes_its_event_with_it"),
        "id not found": UNKNOWN_ID,
        "missing notes": ("test_cli.py::test_usage_errors", "test_transitions.py::test_blank_notes_are_a_usage_error"),
        "queue/db write failure": WRITE_FAILURE,
        "Markdown: `python3": EXAMPLE,
        "SQLite: `python3": EXAMPLE,
    },
    "retry": {
        "Return eligible failed/blocked": TRANSITIONS,
        "`--id <ORCH-xxx>` (required)": ("test_cli.py::test_usage_errors", "test_cli.py::test_commands"),
        "`<id> -> PENDING`": ("test_cli.py::test_commands",),
        "Markdown mode: only": (*TRANSITIONS, "test_cli.py::test_commands"),
        "SQLite mode: enforce": TRANSITIONS,
        "allow only `FAILED`": (*TRANSITIONS, "test_cli.py::test_commands"),
        "enforce `attempt_count": (*TRANSITIONS, "test_cli.py::test_the_backoff_of_the_environment"),
        "increment attempts": (
            *TRANSITIONS,
            "test_transitions.py::test_the_backoff_by_attempt",
            "test_cli.py::test_the_backoff_of_the_environment",
        ),
        "id not found": UNKNOWN_ID,
        "item not retry-eligible": (*TRANSITIONS, "test_cli.py::test_commands"),
        "max attempts reached": (*TRANSITIONS, "test_cli.py::test_the_backoff_of_the_environment"),
        "queue/db write failure": WRITE_FAILURE,
        "Markdown: `python3": EXAMPLE,
        "SQLite: `python3": EXAMPLE,
    },
    "5. What the mutations do": {
        "| cancel |": (*TRANSITIONS, "test_sqlite_store.py::test_a_change_writes_its_event_with_it"),
        "| replan | IN_PROGRESS |": (*TRANSITIONS, "test_sqlite_store.py::test_a_change_writes_its_event_with_it"),
        "| replan | any other |": (
            *TRANSITIONS,
            "test_markdown_store.py::test_owner_and_start_are_given_back_in_place",
        ),
        "| retry, Markdown |": TRANSITIONS,
        "| retry, database |": (
            *TRANSITIONS,
            "test_transitions.py::test_the_backoff_by_attempt",
            "test_sqlite_store.py::test_a_change_writes_its_event_with_it",
        ),
        "The same operation on both backends": (
            "test_cli.py::test_the_same_operations_leave_the_queues_in_agreement",
            "test_transitions.py::test_cancel_and_replan_are_the_same_on_both_backends",
        ),
        "Each sets `updated_at`": (
            "test_sqlite_store.py::test_a_change_writes_its_event_with_it",
            "test_sqlite_store.py::test_each_operation_is_one_event",
        ),
        "All take `--dry-run`": (
            "test_cli.py::test_commands",
            "test_cli.py::test_the_actor",
            "test_store_contract.py::test_preview_decides_and_writes_nothing",
        ),
        "Blank `--notes`": (
            "test_cli.py::test_usage_errors",
            "test_transitions.py::test_blank_notes_are_a_usage_error",
        ),
        "An `IN_PROGRESS` item without a lease": TRANSITIONS,
        "If the item changed between": (
            "test_store_contract.py::test_an_item_that_changes_while_it_waits_is_decided_on_anew",
            "test_markdown_store.py::test_an_edit_of_somebody_without_the_lock_is_not_lost",
        ),
    },
    "6. Output lines that the specification leaves open": {
        "summary PENDING=1": ("test_spec_examples.py::test_output_of_status",),
        "top_in_progress:": ("test_spec_examples.py::test_output_of_status",),
        "- ORCH-102 (P2)": ("test_spec_examples.py::test_output_of_status",),
        "workers_active=1": ("test_spec_examples.py::test_output_of_workers",),
        "- s1 tasks=2": ("test_spec_examples.py::test_output_of_workers",),
        "consistency mismatch": ("test_spec_examples.py::test_output_of_consistency_check",),
        "- missing_in_db": ("test_spec_examples.py::test_output_of_consistency_check",),
        "- missing_in_md": ("test_spec_examples.py::test_output_of_consistency_check",),
        "- mismatch ": ("test_spec_examples.py::test_output_of_consistency_check",),
        "kpi success_rate": ("test_spec_examples.py::test_output_of_kpi",),
        "alert failure_rate": ("test_spec_examples.py::test_output_of_kpi",),
        "alert latency": ("test_spec_examples.py::test_output_of_kpi",),
        "alert stale": ("test_spec_examples.py::test_output_of_kpi",),
        "`top_in_progress` is for triage": (
            "test_overview.py::test_the_order_of_triage",
            "test_spec_examples.py::test_output_of_status",
        ),
        "`oldest_start` is really": ("test_overview.py::test_workers_are_grouped_by_owner",),
        "`consistency-check` compares": (
            "test_comparison.py::test_the_fields_that_are_compared",
            "test_cli.py::test_notes_are_compared_only_when_named",
        ),
        "A database null and": (
            "test_comparison.py::test_what_counts_as_equal",
            "test_comparison.py::test_a_null_in_the_database_is_nothing",
        ),
        "Details are cut at 50": (
            "test_cli.py::test_details_are_cut",
            "test_comparison.py::test_details_are_kept_up_to_the_limit_and_counted_beyond",
        ),
        "Global options work": ("test_cli.py::test_commands",),
    },
    "7. Exit codes": {
        "| 0 |": ("test_cli.py::test_commands", "test_spec_examples.py::test_nothing_to_alert"),
        "| 1 |": ("test_cli.py::test_drift", "test_spec_examples.py::test_output_of_consistency_check"),
        "| 2 |": ("test_spec_examples.py::test_options_of_kpi", "test_check.py::test_verdicts"),
        "| 3 |": (
            "test_bad_input.py::test_bad_input",
            "test_cli.py::test_the_default_paths",
            "test_store_contract.py::test_what_is_no_file_is_an_error",
            "test_markdown_store.py::test_defects_are_all_told",
            "test_atomic_write.py::test_no_room",
        ),
        "| 4 |": (
            "test_cli.py::test_usage_errors",
            "test_cli.py::test_a_bad_environment_is_a_usage_error",
            "test_validator.py::test_not_allowed",
        ),
        "| 5 |": (
            "test_cli.py::test_commands",
            "test_cli.py::test_a_read_only_queue",
            "test_cli.py::test_the_backoff_of_the_environment",
        ),
        "| 130 |": (
            "test_cli.py::test_ctrl_c_while_waiting_for_the_lock",
            "test_cli.py::test_ctrl_c_while_the_reader_is_slow",
        ),
        "With drift and an alert": ("test_check.py::test_verdicts",),
        "A format never changes": ("test_check.py::test_no_format_changes_the_exit_code",),
        "Results go to stdout": (
            "test_bad_input.py::test_bad_input",
            "test_cli.py::test_commands",
            "test_cli.py::test_usage_errors",
            "test_markdown_store.py::test_defects_are_all_told",
        ),
        "A message never suggests": ("test_spec_coverage.py::test_no_message_suggests_to_destroy",),
    },
}


def spec_sentences() -> Iterator[tuple[str, str]]:
    """Yield section and text of every line of the specification that says something."""
    section = ""
    for line in (TESTS / "data" / "OPS_COMMANDS.md").read_text(encoding="utf-8").splitlines():
        text = line.strip().removeprefix("- ")
        if line.startswith("#"):
            section = line.strip("# ").replace("`", "").partition(" --")[0]
        elif text and text != "---" and not re.fullmatch(r"\*\*.*\*\*", text):  # a label such as **Inputs**
            yield section, text


def formats_rows() -> Iterator[tuple[str, str]]:
    """Yield section and text of every table row, output line and sentence of FORMATS sections 5 to 7."""
    document = (TESTS / "data" / "FORMATS.md").read_text(encoding="utf-8")
    for part in re.split(r"(?m)^## ", document)[1:]:
        section, _, body = part.partition("\n")
        if section[0] in "567":
            for number, block in enumerate(body.split("```")):
                lines = [line for line in block.splitlines() if line.strip()]
                for text in lines if number % 2 else _prose(lines):
                    yield section, text


def _prose(lines: list[str]) -> Iterator[str]:
    """Yield the rows of tables without their heads, and of everything else the sentences."""
    for line, below in zip(lines, [*lines, ""][1:], strict=True):
        if not line.startswith("|"):
            yield from re.split(r"(?<=[.:]) (?=[A-Z`])", line.removeprefix("- "))
        elif not re.fullmatch(r"[|-]+", line) and not re.fullmatch(r"[|-]+", below):
            yield line


#: How many sentences each section has, counted by hand: none is lost in the reading.
COUNTS = {
    "OPS Commands Spec (v1)": 2,
    "Global options": 2,
    "status": 10,
    "workers": 9,
    "consistency-check": 8,
    "kpi": 12,
    "cancel": 11,
    "replan": 13,
    "retry": 14,
    "5. What the mutations do": 11,
    "6. Output lines that the specification leaves open": 19,
    "7. Exit codes": 11,
}
SENTENCES = [*spec_sentences(), *formats_rows()]


@cache
def names_in(module: str) -> frozenset[str]:
    """Return the names of a module's tests."""
    found = list(TESTS.rglob(module))
    body = ast.parse(found[0].read_text(encoding="utf-8")).body if len(found) == 1 else []
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_the_documents_are_read_whole() -> None:
    """The sentences that are looked for are as many as the documents have: none is lost in the reading."""
    assert Counter(section for section, _ in SENTENCES) == COUNTS


@pytest.mark.parametrize(("section", "sentence"), SENTENCES)
def test_every_sentence_has_its_tests(section: str, sentence: str) -> None:
    """Exactly one line of the table is about a sentence, and the tests that it names exist."""
    lines = [beginning for beginning in TABLE.get(section, {}) if sentence.startswith(beginning)]
    assert len(lines) == 1, f"{section}: {sentence}"
    tests = TABLE[section][lines[0]]
    assert tests
    for test in tests:
        module, _, name = test.partition("::")
        assert name in names_in(module), f"{section}: {sentence}: no test {test}"


def test_the_table_makes_nothing_up() -> None:
    """Every line of the table is about one sentence of its section."""
    begun = Counter(
        (section, beginning)
        for section, text in SENTENCES
        for beginning in TABLE.get(section, {})
        if text.startswith(beginning)
    )
    assert begun == Counter((section, beginning) for section, lines in TABLE.items() for beginning in lines)


def test_no_message_suggests_to_destroy() -> None:
    """No text of the program, be it a message or a help, names deleting or overwriting as a way out."""
    destroying = re.compile(r"\b(delet|remov|overwrit|eras|truncat|discard|wip|unlink|rm -)", re.IGNORECASE)
    texts = [text for path in PACKAGE.rglob("*.py") for text in _texts(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(texts) > 1000
    # A word alone is a name, SQL is no advice, and who took a row out is a fact.
    facts = ("DELETE FROM ", "removed in ")
    sentences = [text for text in texts if " " in text.strip() and not text.startswith(facts)]
    assert [text for text in sentences if destroying.search(text.replace("ON DELETE CASCADE", ""))] == []


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module, without the docstrings of what it defines."""
    defined = (ast.Module, ast.ClassDef, ast.FunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, defined) and node.body]
    docstrings = {id(node.value) for node in first if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
