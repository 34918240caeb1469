"""Load a policy file: read, parse and validate it, and build the Policy."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError, UsageError
from ops_checks.model import FIELDS
from ops_checks.policy.crosschecks import crosschecks
from ops_checks.policy.model import DEFAULT_THRESHOLDS, ConsistencyPolicy, HistoryPolicy, KpiPolicy, Policy, RowsPolicy
from ops_checks.policy.plain_schema import follows_schema
from ops_checks.policy.plain_yaml import read_plain
from ops_checks.policy.source import POLICY, lines, read_policy
from ops_checks.rules.own.model import OwnRule
from ops_checks.rules.queue.rules import BY_ID
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold
from ops_checks.rules.waivers import Waiver
from ops_checks.sanitize import visible
from ops_checks.timestamps import duration_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.policy.document import YamlDocument

_SIGNS = "+-"
_BOM = "\ufeff"
_MOST_LINES = 20


def load_policy(path: str) -> Policy:
    """Return the policy in a YAML file. What the file leaves out has its default.

    Raises UsageError (exit code 4) with all problems at once, each a line
    `file:line:column: dotted.path: what is wrong, what is allowed`: the first as the message,
    the others, up to 20, in the details. Raises InputError if the file cannot be read to its end.
    """
    return parse_policy(read_policy(path), path)


def parse_policy(data: bytes, path: str) -> Policy:
    """Return the policy in the bytes of the file at `path`. Raises UsageError as `load_policy` does."""
    document = _plain(data) or _validated(data, path)
    return _policy(path, f"sha256:{sha256(data).hexdigest()}", document)


def _plain(data: bytes) -> YamlDocument | None:
    """Return the document of a policy that is plainly written and plainly valid; None leaves open what is wrong."""
    try:
        document = read_plain(data.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    if document is None or not follows_schema(document.value) or any(crosschecks(document.value)):
        return None
    return document


def _validated(data: bytes, path: str) -> YamlDocument:
    """Return the document of a policy as the reader of all of YAML and the schema have it. Raises UsageError."""
    from ops_checks.policy.yaml_reader import read

    try:
        document = read(_decoded(data, path).removeprefix(_BOM))
        _raise_problems(path, document)
    except UsageError as error:
        raise _misread(data, path) or error from error.__cause__
    return document


def _misread(data: bytes, path: str) -> UsageError | None:
    """Return the error for a file that is unmerged, or no policy but something else; None for a plain mistake in it."""
    from ops_checks.files.contents import CONFLICT_MARKS, explain, unresolved

    marks = tuple(mark.encode() for mark in CONFLICT_MARKS)
    marked = [number for number, line in enumerate(lines(data), 1) if line.startswith(marks)]
    if marked:
        return UsageError(f"{visible(path)}:{marked[0]}:1: top level: {unresolved(marked)}")
    what = explain(data, POLICY)
    return UsageError(f"{visible(path)}:1:1: top level: {what}") if what else None


def _raise_problems(path: str, document: YamlDocument) -> None:
    """Raise UsageError with all problems of a document (the first 20 in full), if it has any."""
    from ops_checks.policy.validator import problems, rendered

    found = rendered(document, problems(document), path)
    if found:
        more = len(found) - _MOST_LINES
        details = (*found[1:_MOST_LINES], *((f"… and {more} more",) if more > 0 else ()))
        raise UsageError(found[0], details)


def _decoded(data: bytes, path: str) -> str:
    """Return the text of a policy file, with its line ends and BOM. Raises UsageError for what is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = lines(data[: error.start])
        line, column = len(before), len(before[-1].decode("utf-8")) + 1
        problem = f"byte 0x{data[error.start]:02x} is not UTF-8; save the policy as UTF-8"
        raise UsageError(f"{visible(path)}:{line}:{column}: top level: {problem}") from error


def _policy(path: str, digest: str, document: YamlDocument) -> Policy:
    """Return the policy of a document that has no problems."""
    value: Any = document.value
    kpi = value.get("kpi", {})
    return Policy(
        path=path,
        digest=digest,
        queue=value.get("queue"),
        db=value.get("db"),
        logs=_logs(value.get("log", ())),
        timezone=_timezone(path, document),
        source_of_truth=_one_name(value.get("source_of_truth")) or "markdown",
        operate_on=_one_name(value.get("operate_on")),
        consistency=_consistency(value.get("consistency", {})),
        kpi=_kpi(kpi),
        history=_history(value.get("history", "off")),
        rows=_rows(value.get("rules", ())),
        own=tuple(
            _own(document, index, rule) for index, rule in enumerate(value.get("rules", ())) if rule["id"] not in BY_ID
        ),
        waivers=tuple(
            Waiver(**waiver, line=document.line_column(document.offsets["waivers", index].value)[0])
            for index, waiver in enumerate(value.get("waivers", ()))
        ),
        warnings=_warnings(path, document, kpi),
    )


def _one_name(word: str | None) -> str | None:
    """Return what a policy may call a side in two ways by one name (FORMATS section 5)."""
    return "markdown" if word == "md" else word


def _warnings(path: str, document: YamlDocument, kpi: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning for `kpi.log_cache`, which is accepted and has no effect any more."""
    if "log_cache" not in kpi:
        return ()
    line, column = document.line_column(document.offsets["kpi", "log_cache"].key)
    return (f"{visible(path)}:{line}:{column}: kpi.log_cache has no effect any more: take it out",)


def _logs(log: str | Iterable[str]) -> tuple[str, ...]:
    return (log,) if isinstance(log, str) else tuple(log)


def _timezone(path: str, document: YamlDocument) -> str | int | None:
    """Return the zone of a policy: its name, or minutes east of UTC of an offset (`+09:00`, or hours).

    Raises InputError for a name on a machine without zone data, which is no mistake in the policy.
    """
    value: Any = document.value
    zone: str | float | None = value.get("timezone")
    if not isinstance(zone, str):
        return None if zone is None else round(zone * 60)
    if zone[0] not in _SIGNS:
        _must_have_zones(path, document, zone)
        return zone
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _must_have_zones(path: str, document: YamlDocument, zone: str) -> None:
    from ops_checks.zones import has_data, without_data

    if not has_data():
        line, column = document.line_column(document.offsets["timezone",].value)
        raise InputError(f"{visible(path)}:{line}:{column}: timezone: {without_data(zone)}")


def _consistency(section: Mapping[str, Any]) -> ConsistencyPolicy:
    fields = section.get("fields")
    return ConsistencyPolicy(
        fields=FIELDS[1:] if fields == "all" else None if fields is None else tuple(dict.fromkeys(fields)),
        severity=section.get("severity", {}),
        ignore_statuses=frozenset(section.get("ignore_statuses", ())),
        settle_s=int(section.get("settle", "2s").removesuffix("s")),
        as_rendered=section.get("as_rendered", False),
    )


def _history(section: str | Mapping[str, Any]) -> HistoryPolicy:
    """Return the policy on histories: `on`, `off` or a mapping, which is on unless it says only how runs are kept."""
    if isinstance(section, str):
        return HistoryPolicy(on=section == "on")
    keep = section.get("keep")
    return HistoryPolicy(
        on="severity" in section or not section,
        severity=section.get("severity", {}),
        file=section.get("file"),
        keep_s=None if keep is None else duration_s(keep),
    )


def _rows(section: Iterable[Mapping[str, Any]]) -> RowsPolicy:
    """Return the policy on rows: what the entries of built-in rules say."""
    entries = [(BY_ID[entry["id"]], entry) for entry in section if entry["id"] in BY_ID]
    numbers = {check.field: int(entry[check.setting]) for check, entry in entries if check.setting in entry}
    severity = {check.rule.id: entry.get("severity", "error") for check, entry in entries}
    return RowsPolicy(severity=severity, **numbers)


def _own(document: YamlDocument, index: int, entry: Mapping[str, Any]) -> OwnRule:
    """Return a rule of the project's own, with the lines at which it and its code stand."""
    code = next((name for name in ("sql", "python") if name in entry), None)
    options = dict(entry) | ({"needs": tuple(dict.fromkeys(entry["needs"]))} if "needs" in entry else {})
    line, _ = document.line_column(document.offsets["rules", index].value)
    offset = document.offsets["rules", index, code or "id"].value
    as_written = document.text.startswith("|", offset)  # a block of lines, which begins on the next one
    code_line = document.line_column(offset)[0] + as_written
    return OwnRule(**options, line=line, code_line=code_line, code_lines=as_written)


def _kpi(section: Mapping[str, Any]) -> KpiPolicy:
    options = dict(section)
    options.pop("log_cache", None)
    options |= _over_time(options.pop("regression", {}), options.pop("budgets", ()))
    options["thresholds"] = _thresholds(section.get("thresholds", {}))
    for name in ("window", "max_log_age"):
        if name in section:
            options[f"{name}_s"] = duration_s(options.pop(name))
    if "commands" in section:
        options["commands"] = frozenset(section["commands"])
    if "stale_minutes" in section:
        options["stale_minutes"] = int(section["stale_minutes"])  # YAML may have written it 60.0
    return KpiPolicy(**options)


def _over_time(regression: Mapping[str, Any], budgets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the limits on changes and the objectives of a policy that has any."""
    if not (regression or budgets):
        return {}
    from ops_checks.policy import over_time  # most policies have none

    return {"regressions": over_time.regressions(regression), "budgets": over_time.budgets(budgets)}


def _thresholds(section: Mapping[str, Any]) -> dict[str, Threshold]:
    """Return the limits by metric: the defaults, with each metric that the policy names replaced or, if `off`, gone."""
    thresholds = dict(DEFAULT_THRESHOLDS)
    for metric, limits in section.items():
        if limits == "off":
            thresholds.pop(metric, None)
        elif isinstance(limits, dict):
            integers = {"min_samples": int(limits["min_samples"])} if "min_samples" in limits else {}
            thresholds[metric] = Threshold(**limits | integers)
        else:
            thresholds[metric] = Threshold(min=limits) if BY_METRIC[metric].min_is_short else Threshold(max=limits)
    return thresholds
