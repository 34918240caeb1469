"""What error texts have in common: the same for other numbers, ids, paths, URLs, values and spaces."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops_checks.runlog.error_fingerprint import MOST_READ, MOST_SHOWN, fingerprint

TEXTS = {
    "": "",
    " \t\n": "",
    "lease lost; 임대가 만료됨": "lease lost; 임대가 만료됨",
    "lease\n  lost\t": "lease lost",
    "exit code 137": "exit code #",
    "timeout after 30.5s": "timeout after #s",
    "took 1,234 of 12 (3/4)": "took # of # (#)",
    "at 2026-01-01T10:00:00.123+09:00": "at #T#+#",
    "item ORCH-123 of DB-1 is gone": "item # of # is gone",
    "worker:core-12 lost": "worker:core-# lost",
    "trace-0123456789ab, Trace-ffffffffffff": "#, #",
    "commit c0ffee12 and 0xDEADBEEF": "commit # and #",
    "run 6ba7b810-9dad-11d1-80b4-00c04fd430c8 died": "run # died",
    "run abcdefab-cdef-abcd-efab-cdefabcdefab died": "run # died",
    "a dead beef, faded": "a dead beef, faded",
    "GET https://h.example:80/a?b=1#c failed: 503": "GET <url> failed: #",
    "postgresql://u@h/db, s3a://b/k": "<url>, <url>",
    "KeyError: 'abc' in \"x y\"": "KeyError: <quoted> in <quoted>",
    "it's the worker's `id`": "it's the worker's <quoted>",
    "cannot open /var/log/a.log: [Errno 2] no such file": "cannot open <path>: [Errno #] no such file",
    "cannot open /var/log/a.log.": "cannot open <path>",
    "x=/tmp/a ./b ../c ~/d //e": "x=<path> <path> <path> <path> //e",
    r"C:\x\y z, \\host\share": "<path> z, <path>",
    "see docs/path/7.md, a/b/c": "see <path>, <path>",
    "input/output error, read/write": "input/output error, read/write",
    "a / b": "a / b",
    "x" * 300: "<text>",
    "word " * 60: "word " * 39 + "…",
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.items())
def test_fingerprints(text: str, expected: str) -> None:
    """The rules that the help names, one by one."""
    assert fingerprint(text) == expected


#: What texts of errors are made of.
_words = st.sampled_from(
    [
        "lease",
        "lost",
        "fail",
        "the",
        "오류",
        "it's",
        "at",
        "-",
        "/",
        "'",
        '"',
        "(",
        "):",
        ",",
        "trace-",
        "ORCH-",
        "abc",
        "=",
        "#",
    ]
)
_digits = st.text("0123456789", min_size=1, max_size=12)
_paths = st.sampled_from(["/", "/var/log/", "./", "../x/", "~/", "/tmp/한글/"]).flatmap(
    lambda root: st.text("abcxyz019_-", min_size=1, max_size=8).map(lambda name: f"{root}{name}x")
)
_ids = st.one_of(
    st.uuids().map(str),
    st.text("0123456789abcdef", min_size=12, max_size=12).map(lambda digits: f"trace-{digits}"),
    _digits.map(lambda digits: f"ORCH-{digits}"),
    st.text("0123456789abcdef", min_size=1, max_size=16).map(lambda digits: f"{digits}7"),
)
_urls = _digits.map(lambda digits: f"https://host/{digits}?q={digits}")
_quoted = st.text("abc 019/", max_size=8).map(lambda text: f'"{text}"')
_KINDS = {"digits": _digits, "path": _paths, "id": _ids, "url": _urls, "quoted": _quoted}


@given(st.text(max_size=60) | st.lists(_words | _digits | _paths | _ids, max_size=80).map("".join))
@example("'a " + "x'" * 150 + " b'")
@example("ab “c “d” e” 1-2-`3`")
def test_a_fingerprint_is_its_own(text: str) -> None:
    """Nothing of it is replaced once more, it is short, and it is a line."""
    found = fingerprint(text)
    assert fingerprint(found) == found
    assert len(found) <= MOST_SHOWN
    assert found == " ".join(found.split())


@given(
    st.data(), st.sampled_from(sorted(_KINDS)), st.lists(st.sampled_from(["lease", "오류", "of", "went"]), max_size=4)
)
def test_a_single_case_makes_no_difference(data: st.DataObject, kind: str, words: list[str]) -> None:
    """Other digits, ids, paths, URLs and values between the same words give the same."""
    one, other = (data.draw(_KINDS[kind]) for _ in range(2))
    assert fingerprint(" ".join([*words, one, "lost"])) == fingerprint(" ".join([*words, other, "lost"]))


@given(
    st.lists(_words, max_size=8), st.lists(_digits, min_size=9, max_size=9), st.lists(_digits, min_size=9, max_size=9)
)
def test_other_digits_in_any_text(words: list[str], some: list[str], others: list[str]) -> None:
    """Whatever stands around a number, another one in its place makes no difference."""
    one, other = ("".join(map(str.__add__, words, numbers)) for numbers in (some, others))
    assert fingerprint(one) == fingerprint(other)


@given(st.lists(_words, max_size=8), st.text(" \t\r\n\u00a0", min_size=1))
def test_white_space_makes_no_difference(words: list[str], space: str) -> None:
    """However words are set apart."""
    assert fingerprint(f"{space}{space.join(words)}{space}") == fingerprint(" ".join(words))


def test_a_long_text_is_read_to_a_limit() -> None:
    """What stands behind it does not count, so a text takes no longer than that."""
    assert fingerprint("a " * MOST_READ + "b") == fingerprint("a " * MOST_READ + "c")
