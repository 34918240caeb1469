"""`rules` in a policy: built-in rules by their names, and the project's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import UsageError
from ops_checks.policy.loader import load_policy
from ops_checks.rules.own.model import OwnRule
from ops_checks.rules.registry import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.policy.model import Policy

OWN = """\
rules:
  - id: wip-limit
    max: 5
    severity: warning
  - id: p0-has-due
    title: P0 items without a due time
    help: Agree on one.
    severity: warning
    sql: >-
      SELECT id FROM queue_items
      WHERE priority = 'P0' AND due_at_kst = '-'
  - {id: runs-have-items, python: "checks.runs:runs_have_items", needs: [runs, items, runs]}
  - id: from-a-package
  - id: priority-inversion
    minutes: 0
"""


def loaded(folder: Path, text: str) -> Policy:
    """Load a policy of this text."""
    (folder / "p.yaml").write_text(text)
    return load_policy(str(folder / "p.yaml"))


def test_entries_become_rules(tmp_path: Path) -> None:
    """An entry of a built-in rule switches it on with its number; any other is a rule of the project's own."""
    policy = loaded(tmp_path, OWN)
    assert policy.rows.severity == {"wip-limit": "warning", "priority-inversion": "error"}
    assert (policy.rows.most_in_progress, policy.rows.most_minutes) == (5, 0)
    statement = "SELECT id FROM queue_items WHERE priority = 'P0' AND due_at_kst = '-'"
    assert policy.own == (
        OwnRule(
            id="p0-has-due", title="P0 items without a due time", help="Agree on one.", severity="warning",
            sql=statement, line=5, code_line=9,
        ),
        OwnRule(id="runs-have-items", python="checks.runs:runs_have_items", needs=("runs", "items"), line=12,
                code_line=12),
        OwnRule(id="from-a-package", line=13, code_line=13),
    )  # fmt: skip


def test_own_rules_are_rules_like_the_others(tmp_path: Path) -> None:
    """Each has a title, a help, a limit by its severity, and is on."""
    policy = loaded(tmp_path, OWN)
    assert set(policy.rules) - set(RULES) == {"p0-has-due", "runs-have-items", "from-a-package"}
    rule = policy.rules["p0-has-due"]
    assert (rule.group, rule.title, rule.help) == ("own", "P0 items without a due time", "Agree on one.")
    assert policy.threshold(rule).severity == "warning"
    assert [each.id for each in policy.active_rules()][-3:] == ["p0-has-due", "runs-have-items", "from-a-package"]
    assert policy.names("own")
    assert policy.names("queue")


def test_a_policy_that_names_none_has_none_on(tmp_path: Path) -> None:
    """Rules on rows and own ones are off until somebody names them."""
    policy = loaded(tmp_path, "rules: []\n")
    assert not policy.names("queue")
    assert not policy.names("own")
    assert {each.group for each in policy.active_rules()} == {"consistency", "kpi"}


def test_an_own_rule_can_be_off(tmp_path: Path) -> None:
    """An entry with the severity `off` is known, so that a waiver may stay, and is not run."""
    policy = loaded(tmp_path, "rules: [{id: mine, sql: SELECT 1, severity: off}, {id: wip-limit, severity: off}]\n")
    assert policy.threshold(policy.rules["mine"]) is None
    assert policy.threshold(policy.rules["wip-limit"]) is None


ID = "a name of small letters, digits and hyphens"
FUNCTION = "a function as `package.module:function`"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("[{sql: SELECT 1}]", "1:9: rules.0: lacks id; expected a mapping with `id`"),
        ("[{id: Mine}]", f'1:14: rules.0.id: "Mine" is not allowed; expected {ID}'),
        ("[{id: mine-}]", f'1:14: rules.0.id: "mine-" is not allowed; expected {ID}'),
        ("[{id: 7}]", f"1:14: rules.0.id: 7 is not allowed; expected {ID}"),
        ("[{id: a, python: 'a b'}]", f'1:25: rules.0.python: "a b" is not allowed; expected {FUNCTION}'),
        ("[{id: a, python: 'a:b.c'}]", f'1:25: rules.0.python: "a:b.c" is not allowed; expected {FUNCTION}'),
        ("[{id: a, python: '../a:b'}]", f'1:25: rules.0.python: "../a:b" is not allowed; expected {FUNCTION}'),
        ("[{id: a, sql: ' '}]", '1:22: rules.0.sql: " " is not allowed; expected a text that is not blank'),
        (
            "[{id: a, sql: x, python: a:b}]",
            "1:33: rules.0.python: a rule is in SQL or in Python; take one of both out",
        ),
        ("[{id: a, sql: x, needs: [items]}]", "1:32: rules.0.needs: only a rule in Python has needs; take it out"),
        (
            "[{id: a, sql: x}, {id: a, sql: y}]",
            "1:31: rules.1.id: a stands in rules.0 already; expected each rule once",
        ),
        (
            "[{id: wip-limit}, {id: wip-limit}]",
            "1:31: rules.1.id: wip-limit stands in rules.0 already; expected each rule once",
        ),
        (
            "[{id: wip-limit, sql: x}]",
            "1:30: rules.0.sql: wip-limit is a built-in rule; take sql out, or give your own another id",
        ),
        ("[{id: due-date-passed, max: 3}]", "1:36: rules.0.max: only wip-limit has max; take it out"),
        ("[{id: a, sql: x, minutes: 3}]", "1:34: rules.0.minutes: only priority-inversion has minutes; take it out"),
        (
            "[{id: failure-rate}]",
            "1:14: rules.0.id: failure-rate is a built-in rule that is set elsewhere (kpi.thresholds.failure_rate); "
            "expected another name",
        ),
        (
            "[{id: missing-in-db, sql: x}]",
            "1:14: rules.0.id: missing-in-db is a built-in rule that is set elsewhere (its group's severity); "
            "expected another name",
        ),
        (
            "[{id: queue, sql: x}]",
            "1:14: rules.0.id: queue is the name of a group of rules, which --only takes; expected another name",
        ),
        ("[{id: wip-limit, max: 0}]", "1:30: rules.0.max: 0 is not allowed; expected a whole number from 1"),
        ("{id: a}", "1:8: rules: a mapping is not allowed; expected a list of rules"),
    ],
)
def test_what_is_no_rule_is_told_with_its_place(tmp_path: Path, entries: str, told: str) -> None:
    """One line, where it stands, and what to do."""
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, f"rules: {entries}\n")
    assert (caught.value.message.removeprefix(f"{tmp_path}/p.yaml:"), caught.value.details) == (told, ())


def test_a_waiver_may_name_an_own_rule_and_no_unknown_one(tmp_path: Path) -> None:
    """The names of waivers are checked against all rules there are."""
    waiver = "reason: r, owner: o, expires: 2026-01-01"
    policy = loaded(tmp_path, f"rules: [{{id: mine, sql: SELECT 1}}]\nwaivers: [{{rule: mine, {waiver}}}]\n")
    assert policy.waivers[0].rule == "mine"
    with pytest.raises(UsageError, match=r"2:18: waivers\.0\.rule: \"mone\" is not allowed; .*did you mean mine\?"):
        loaded(tmp_path, f"rules: [{{id: mine, sql: SELECT 1}}]\nwaivers: [{{rule: mone, {waiver}}}]\n")
