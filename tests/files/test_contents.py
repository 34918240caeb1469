"""Contents in place of an input: each is named as what it is, with what to do; no command of it loses anything."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.files.contents import CONTENTS, explain, unresolved
from ops_checks.files.safe_open import FileKind

QUEUE = FileKind("queue", "")
DATABASE = FileKind("database", "")
LOG = FileKind("run log", "")
POLICY = FileKind("policy", "")
HEADER = "| id | status | priority | task | success_criteria | owner_session | started_at_kst | due_at_kst | notes |\n"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a Git LFS pointer"),
        (b"/annex/objects/SHA256E-s1--00.md\n", "a git-annex pointer"),
        (b"\0GITCRYPT\0\x8a\x01", "encrypted by git-crypt"),
        (b"age-encryption.org/v1\n-> X25519 x\n", "encrypted with age"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "encrypted with age"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3061", "encrypted by Ansible Vault"),
        (b'{\n\t"data": "ENC[AES256_GCM,data:x,iv:y]",\n\t"sops": {}}', "encrypted by sops"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ", "encrypted with GPG"),
        (b"\x8c\x0d\x04\x09\x03\x02", "encrypted with GPG"),
        (b"\x85\x01\x0c\x03\xaa", "encrypted with GPG"),
        (b"U2FsdGVkX1+abc\n", "encrypted with OpenSSL"),
        (gzip.compress(b"x", mtime=0), "gzip data"),
        (b"\x28\xb5\x2f\xfd\x04", "Zstandard data"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
        (b"\xfd7zXZ\0\0", "xz data"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"{\\rtf1\\ansi ", "a document in RTF"),
        (b"id,status,priority,task\n", "a table in CSV"),
        (HEADER.encode("utf-16"), "UTF-16 text"),
        (HEADER.encode("utf-16-le"), "UTF-16 text"),
        (HEADER.encode("utf-16-be"), "UTF-16 text"),
        (HEADER.encode("utf-32"), "UTF-32 text"),
        ("| ORCH-001 | 대기열 정리 |".encode("cp949"), "text in CP949"),
        (bytes(512), "nothing but NUL bytes"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"<html lang=ko>", "an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied', "an XML document"),
        (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "a dump in SQL"),
        (b"PGDMP\x01", "a dump of a PostgreSQL database"),
        (b"../shared/QUEUE.md", "a symbolic link"),
        (b'{"message":"Not Found"}', "a JSON document"),
    ],
)
def test_it_is_named_in_place_of_queue_and_database(head: bytes, what: str) -> None:
    """What it is, that it is not what was expected, and what to do."""
    for kind in (QUEUE, DATABASE):
        words = explain(head, kind)
        assert words is not None, head
        assert words.startswith(f"is {what}")
        assert f", not the {kind.noun}: " in words


def test_each_input_in_place_of_another_is_named_with_its_option() -> None:
    """A Markdown queue as database, a database as queue, a log as queue."""
    assert explain(HEADER.encode(), DATABASE) == "is a Markdown queue, not the database: name it with --queue"
    assert explain(b"SQLite format 3\0\x10\0", QUEUE) == (
        "is a SQLite database, not the queue: name a database with --db, and the queue in its own place"
    )
    assert explain(b'{"event":"run_end"}\n', QUEUE) == "is a run log, not the queue: name it with --log-path"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (HEADER.encode(), QUEUE),
        ("# 대기열\n\n산문\n".encode(), QUEUE),
        (b"# Queue\n\xff broken\n", QUEUE),
        ("café \xff".encode("latin-1"), QUEUE),
        ("é".encode() + b"\xff", QUEUE),
        (b"SQLite format 3\0", DATABASE),
        (b'{"event":"run_end"}\n', LOG),
        (gzip.compress(b"{}", mtime=0), LOG),
        (b"kpi:\n  window: 7d\n", POLICY),
        (b"", QUEUE),
        (b"\0", QUEUE),
    ],
)
def test_what_is_right_or_unknown_is_not_explained(head: bytes, kind: FileKind) -> None:
    """No guess where it may be wrong: general words are better then."""
    assert explain(head, kind) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_named_or_not(head: bytes) -> None:
    """No content makes the recognition raise."""
    for kind in (QUEUE, DATABASE, LOG, POLICY):
        words = explain(head, kind)
        assert words is None or words.isprintable()


def test_no_advice_makes_it_worse() -> None:
    """Nothing is removed, overwritten or replaced in place (FORMATS section 7)."""
    for content in CONTENTS:
        assert not any(word in content.advice for word in ("delete", "remove", "rm ", "overwrite", " -i ", "> FILE"))


def test_marks_of_a_merge() -> None:
    """The lines of the marks are named, the first of many."""
    assert unresolved([3]) == (
        "a merge conflict that is not resolved (marks in line 3): resolve the merge, then run this again"
    )
    assert "(marks in lines 1, 2, 3, 4, …)" in unresolved(range(1, 9))
