"""Paths as CI systems want them: relative to the repository, and never leading out of it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from ops_checks.findings import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.findings import Finding, Place
    from ops_checks.presentation.format import RenderOptions
    from ops_checks.report.model import InputRead, Report, RuleResult

#: A server, with a port or a folder, an owner (or groups), and a repository: nothing that a URL or Markdown reads.
_NAME = r"(?!\.\.?(?:/|\Z))[A-Za-z0-9_.-]+"
_REPOSITORY_URL = re.compile(rf"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?(?:/{_NAME}){{2,20}}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


def repository_path(path: str, options: RenderOptions) -> str | None:
    """Return a path relative to the repository's root, with `/`, or None when it is outside of it (or its root)."""
    if "\0" in path or not path:
        return None
    whole = posixpath.normpath(posixpath.join(options.folder, path))
    if posixpath.isabs(whole):
        root = posixpath.normpath(options.root) if options.root else ""
        if not root or not whole.startswith(root.rstrip("/") + "/"):
            return None
        whole = whole[len(root.rstrip("/")) + 1 :]
    return None if whole in {".", ".."} or whole.startswith("../") else whole


def fallback_path(report: Report, rule: RuleResult | None, options: RenderOptions) -> str | None:
    """Return the file of the repository to show something at that has no line in it: one of the inputs.

    Code scanning and code quality reports must name a file for every entry. Preferred is the kind of
    input that the rule's group reads; None if no input lies in the repository.
    """
    group = GROUPS.get(rule.group) if rule else None
    preferred = group.reads if group else None

    def rank(read: InputRead) -> tuple[bool, bool]:
        return read.kind != preferred, read.kind == "policy"

    paths = (repository_path(read.path, options) for read in sorted(report.inputs, key=rank))
    return next((path for path in paths if path is not None), None)


def locate(
    report: Report, rule: RuleResult, finding: Finding | None, options: RenderOptions
) -> tuple[str | None, int, int]:
    """Return path, line and column to show a finding (or a rule itself) at; line and column count from 1.

    A finding in the database without a line stands in the file that it was found in, and the rule itself in that of
    its first finding: a stale item is nowhere in the run log. The path is None when no input lies in the repository.
    """
    found = _first_line(finding.places, options) if finding else None
    if found is None:
        first = finding or next(iter(rule.findings), None)
        own = _first_file(first.places, options) if first and _in_rows(rule) else None
        return own or fallback_path(report, rule, options), 1, 1
    path, place = found
    return path, max(place.line or 1, 1), max(place.column or 1, 1)


def _in_rows(rule: RuleResult) -> bool:
    group = GROUPS.get(rule.group)
    return group is not None and group.in_rows


def _first_file(places: tuple[Place, ...], options: RenderOptions) -> str | None:
    """Return the path of the first location in the repository; one with a line comes before a database's row."""
    found = _first_line(places, options)
    paths = (repository_path(place.path, options) for place in places)
    return found[0] if found else next((path for path in paths if path is not None), None)


def _first_line(places: tuple[Place, ...], options: RenderOptions) -> tuple[str, Place] | None:
    """Return the first location that is a line of a file in the repository, with the file's path there."""
    lines = ((repository_path(place.path, options), place) for place in places if place.line is not None)
    return next(((path, place) for path, place in lines if path is not None), None)


def row_url(place: Place, options: RenderOptions) -> str | None:
    """Return the URL of a line of a file of the repository, None where there is no line or no URL.

    Of a document in Markdown the source is asked for: only that has lines.
    """
    path = repository_path(place.path, options)
    if not options.rows or path is None or place.line is None:
        return None
    plain = "?plain=1" if path.lower().endswith((".md", ".markdown")) else ""
    return options.rows.replace("{path}", quoted(path) + plain).replace("{line}", str(max(place.line, 1)))


def quoted(path: str) -> str:
    """Percent-encode a relative path, its colons too: a first segment with a colon would read as a scheme."""
    try:
        raw = path.encode("utf-8", "surrogateescape")  # the bytes of the file's name, if it is no UTF-8
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogatepass")
    return quote(raw, safe="/")


def rows_url(environ: Mapping[str, str]) -> str:
    """Return the `rows` of RenderOptions by what a CI system says of the repository and the commit, empty if it is odd.

    GitHub and Forgejo or Gitea, whose variables have the same names, and GitLab.
    """
    if environ.get("GITHUB_REPOSITORY"):
        base, commit = (
            f"{environ.get('GITHUB_SERVER_URL', '').rstrip('/')}/{environ['GITHUB_REPOSITORY']}",
            "GITHUB_SHA",
        )
        is_gitea = environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS")
        between = "src/commit" if is_gitea else "blob"
    else:
        base, commit, between = environ.get("CI_PROJECT_URL", ""), "CI_COMMIT_SHA", "-/blob"
    sha = environ.get(commit, "")
    if not (_REPOSITORY_URL.fullmatch(base) and _COMMIT.fullmatch(sha)):
        return ""
    return f"{base}/{between}/{sha}/{{path}}#L{{line}}"
