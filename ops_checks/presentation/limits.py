"""What the readers of each format accept at most, and how a format keeps that, whatever is in the report.

Every number is a published one, with its source. No setting lifts any of them: a policy, a waiver or `--max-details`
decides what is in the report, and JSON, which has no such reader, holds all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Part = TypeVar("Part")

# A message of GitHub's annotations has at most 64 KB (docs.github.com, rest/checks/runs), a character up to four bytes.
# The other readers say nothing of a single text; one of megabytes, out of one cell, must not take the others' room.
TEXT = 65_536 // 4

# SARIF: GitHub code scanning, "SARIF results exceed one or more limits" (docs.github.com, code-security/code-scanning/
# troubleshooting-sarif-uploads/results-exceed-limit). It refuses more than 25,000 results a run, and takes in the top
# 5,000 of them. It refuses more than 25,000 rules a run, 1,000 locations a result (100 are shown), 20 tags a rule (10
# are shown), 20 runs a file.
SARIF_RESULTS = 5_000
SARIF_RULES = 25_000
SARIF_LOCATIONS = 100
# The upload is refused over 10 MB after gzip ("file too large", same pages). Text that does not compress is as long
# after gzip, so that the file itself is held to that, with room for what gzip adds.
SARIF_BYTES = 9_500_000

# GitLab: code quality reports of a merge request are stored as a pipeline artifact, for which the limit is 10 MB
# (gitlab.com/gitlab-org/gitlab/-/issues/328772, FILE_SIZE_LIMIT).
GITLAB_BYTES = 9_500_000

# JUnit: GitLab parses 500,000 test cases a report (docs.gitlab.com, user/gitlab_com) and no "large nodes": libxml2
# refuses text of more than 10,000,000 bytes without its option HUGE. A body is held to a tenth of it.
JUNIT_CASES = 500_000
JUNIT_BODY = 1_000_000

# GitHub annotations: ten of each level a step (github.com/actions/toolkit, docs/problem-matchers.md), a title of at
# most 255 characters (docs.github.com, rest/checks/runs, "annotations").
GITHUB_SHOWN = 10
GITHUB_TITLE = 255

# Markdown: a comment of GitHub has at most 65,536 characters ("body is too long"), a check's summary 65,535
# (docs.github.com, rest/checks/runs), a step's summary 1 MiB (actions/toolkit: "supports content up to a size of
# 1024k"), which so many characters never reach.
MARKDOWN_CHARACTERS = 65_000

# OpenMetrics: neither it nor Prometheus limits a label; the services that store it do, at 2,048 characters
# (grafana.com/docs/grafana-cloud, "Label handling and limits").
OPENMETRICS_LABEL = 2_048


def shorten(text: str, most: int) -> str:
    """Return a text of at most so many characters; one that was cut ends with `…`."""
    return text if len(text) <= most else text[: most - 1] + "…"


def fitting(parts: Iterable[Part], most: int, size: Callable[[Part], int]) -> list[Part]:
    """Return the parts up to the first that no longer fits; their sizes add up to at most `most`."""
    kept: list[Part] = []
    for part in parts:
        most -= size(part)
        if most < 0:
            break
        kept.append(part)
    return kept


def unlisted(count: int) -> str:
    """Return the words for so many findings that a format leaves out."""
    return (
        f"{count} more {'finding is' if count == 1 else 'findings are'} not listed here: see the whole report (-f json)"
    )


def cut_lines(lines: Sequence[str], most: int) -> list[str]:
    """Return lines of at most `most` characters with their line breaks; where some are left out, a last one says so."""
    if sum(len(line) + 1 for line in lines) <= most:
        return list(lines)
    kept = fitting(lines, most - 80, lambda line: len(line) + 1)
    return [*kept, f"and {len(lines) - len(kept)} more lines: see the whole report (-f json)"]
