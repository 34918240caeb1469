"""Contents that everybody meets in place of an input, by their first bytes: one row a content (FORMATS section 1).

General advice misleads there: nobody mends a Git LFS pointer by adding a table. Readers ask only when they fail.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops_checks.files.safe_open import FileKind

#: So many bytes tell.
HEAD_BYTES = 4096
_SPACE = b" \t\r\n\xef\xbb\xbf"
_FEWEST = 8  # bytes, or characters, before a guess is made
_TAR_AT = 257
_LONGEST_PATH = 256
_OF_PATHS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"
_NAMED = 4

#: What git writes around both sides of a conflict. `=======` alone is a heading, and `|||||||` says nothing alone.
CONFLICT_MARKS = ("<<<<<<< ", ">>>>>>> ")


class Content:
    """A content: `what` it is, and the `advice`, in which FILE stands for its path and {noun} for what was expected.

    It is recognized by one of the beginnings `begins`, or by `test`, which takes the first bytes. `unless` are the
    nouns of the kinds of file that it is right for.
    """

    __slots__ = ("_begins", "_test", "advice", "unless", "what")

    def __init__(
        self,
        what: str,
        advice: str,
        *begins: bytes,
        test: Callable[[bytes], bool] | None = None,
        unless: tuple[str, ...] = (),
    ) -> None:
        self.what = what
        self.advice = advice
        self.unless = unless
        self._begins = begins
        self._test = test

    def matches(self, head: bytes) -> bool:
        """Return whether the first bytes of a file are of this content."""
        return head.startswith(self._begins) or (self._test is not None and self._test(head))


def explain(head: bytes, kind: FileKind) -> str | None:
    """Return what a file is instead of the kind that was expected, and what to do; None if it is not recognized.

    `head` is the beginning of the file, of which the first HEAD_BYTES count.
    """
    head = head[:HEAD_BYTES]
    found = next((each for each in CONTENTS if kind.noun not in each.unless and each.matches(head)), None)
    return None if found is None else f"is {found.what}, not the {kind.noun}: {found.advice.format(noun=kind.noun)}"


def unresolved(lines: Sequence[int]) -> str:
    """Return the words for a file with marks of a merge in these lines: mending line by line would lose a side."""
    word = "line" if len(lines) == 1 else "lines"
    where = ", ".join(map(str, lines[:_NAMED])) + (", …" if len(lines) > _NAMED else "")
    return f"a merge conflict that is not resolved (marks in {word} {where}): resolve the merge, then run this again"


def head_of(descriptor: int) -> bytes:
    """Return the first bytes of an open file; none if it cannot be read: it has failed already."""
    try:
        return os.pread(descriptor, HEAD_BYTES, 0)
    except OSError:
        return b""


def _is_html(head: bytes) -> bool:
    return head.lstrip(_SPACE).lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _is_utf16(head: bytes) -> bool:
    """Return whether every second byte is NUL and no other one is: mostly ASCII text, without a byte order mark."""
    odd, even = head[1::2], head[: len(head) // 2 * 2 : 2]
    return len(odd) >= _FEWEST and (
        (not odd.strip(b"\0") and b"\0" not in even) or (not even.strip(b"\0") and b"\0" not in odd)
    )


def _is_cp949(head: bytes) -> bool:
    """Return whether bytes are no UTF-8, and nearly nothing but Hangul in the code page of Korean Windows.

    Damaged UTF-8 may be read as that code page, too: then it holds more Chinese than Hangul.
    """
    if b"\0" in head or _decoded(head, "utf-8") is not None:
        return False
    beyond = [char for char in _decoded(head, "cp949") or "" if not char.isascii()]
    return bool(beyond) and sum("가" <= char <= "힣" for char in beyond) * 10 >= len(beyond) * 9


def _decoded(head: bytes, encoding: str) -> str | None:
    """Return bytes as text, without a character that is cut off at their end; None if they are no such text.

    A log may end within a character, where its last line is being written.
    """
    import codecs

    try:
        return codecs.getincrementaldecoder(encoding)().decode(
            head, final=encoding != "utf-8" and len(head) < HEAD_BYTES
        )
    except UnicodeDecodeError:
        return None


def _ends_lines_with_cr(head: bytes) -> bool:
    return b"\r" in head and b"\n" not in head and _is_queue(head)


def _is_queue(head: bytes) -> bool:
    return b"success_criteria" in head and b"|" in head and b"\0" not in head


def _is_log(head: bytes) -> bool:
    return head.lstrip(_SPACE).startswith(b"{") and b'"event"' in head


def _is_path(head: bytes) -> bool:
    """Return whether the whole content is a relative path: a symbolic link where git made none."""
    text = head.removesuffix(b"\n")
    if len(text) > _LONGEST_PATH or b"/" not in text or text.translate(None, _OF_PATHS):
        return False
    return text.startswith((b"../", b"./")) or text.endswith((b".md", b".db", b".jsonl", b".yaml"))


def _is_text(head: bytes) -> bool:
    text = _decoded(head, "utf-8")
    return text is not None and len(text) > 0 and all(char.isprintable() or char.isspace() for char in text)


_DECRYPT = "decrypt it, and name what that writes"
_UNPACK = "unpack it, and name what that writes"
_PACKED = ("run log",)  # read as they are

#: Every content that is recognized, the surer ones first.
CONTENTS = (
    Content(
        "a Git LFS pointer",
        "fetch the file itself with `git lfs pull` (in a pipeline: check out with LFS)",
        b"version https://git-lfs.github.com/spec/",
        b"version https://hawser.github.com/spec/",
    ),
    Content(
        "a git-annex pointer", "fetch the file itself with `git annex get FILE`", b"/annex/objects/", b"../.git/annex/"
    ),
    Content(
        "encrypted by git-crypt", "unlock the repository with `git-crypt unlock`, then check it out", b"\0GITCRYPT\0"
    ),
    Content(
        "encrypted with age",
        f"{_DECRYPT} (`age --decrypt`)",
        b"age-encryption.org/v1",
        b"-----BEGIN AGE ENCRYPTED FILE-----",
    ),
    Content(
        "encrypted by Ansible Vault", f"{_DECRYPT} (`ansible-vault decrypt --output NEW FILE`)", b"$ANSIBLE_VAULT;"
    ),
    Content("encrypted by sops", f"{_DECRYPT} (`sops --decrypt FILE`)", test=lambda head: b"ENC[AES256_GCM," in head),
    Content(
        "encrypted with GPG",
        f"{_DECRYPT} (`gpg --decrypt FILE`)",
        b"-----BEGIN PGP MESSAGE-----",
        b"\x8c\x0d\x04",
        b"\x84\x5e\x03",
        *(b"\x85" + size + b"\x03" for size in (b"\x01\x0c", b"\x01\x8c", b"\x02\x0c", b"\x04\x0c")),
    ),
    Content(
        "encrypted with OpenSSL, as transcrypt does", f"{_DECRYPT} with what encrypted it", b"Salted__", b"U2FsdGVkX1"
    ),
    Content(
        "a SQLite database",
        "name a database with --db, and the {noun} in its own place",
        b"SQLite format 3\0",
        unless=("database",),
    ),
    Content(
        "the write-ahead log or journal of a SQLite database",
        "name the database that it lies beside",
        b"\x37\x7f\x06\x82",
        b"\x37\x7f\x06\x83",
        b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",
    ),
    Content("a DuckDB database", "expected one of SQLite", test=lambda head: head[8:12] == b"DUCK"),
    Content("gzip data", f"{_UNPACK} (`gunzip -k FILE`)", b"\x1f\x8b", unless=_PACKED),
    Content("Zstandard data", f"{_UNPACK} (`zstd -dk FILE`)", b"\x28\xb5\x2f\xfd", unless=_PACKED),
    Content("a zip archive", f"{_UNPACK} (`unzip FILE`)", b"PK\x03\x04", b"PK\x05\x06"),
    Content("xz data", f"{_UNPACK} (`xz -dk FILE`)", b"\xfd7zXZ\0"),
    Content("bzip2 data", f"{_UNPACK} (`bunzip2 -k FILE`)", b"BZh"),
    Content("a 7-Zip archive", f"{_UNPACK} (`7z x FILE`)", b"7z\xbc\xaf\x27\x1c"),
    Content("LZ4 data", f"{_UNPACK} (`lz4 -dk FILE`)", b"\x04\x22\x4d\x18"),
    Content("a tar archive", f"{_UNPACK} (`tar -xf FILE`)", test=lambda head: head[_TAR_AT : _TAR_AT + 5] == b"ustar"),
    Content("a document in RTF", "save it as plain text", b"{\\rtf"),
    Content("a PDF document", "name the {noun} itself", b"%PDF-"),
    Content("an image", "name the {noun} itself", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8"),
    Content("a program", "name the {noun} itself", b"\x7fELF", b"MZ\x90\0"),
    Content(
        "UTF-32 text", "save it as UTF-8 (`iconv -f UTF-32 -t UTF-8 FILE > NEW`)", b"\xff\xfe\0\0", b"\0\0\xfe\xff"
    ),
    Content(
        "UTF-16 text, as PowerShell's `>` and Windows editors write it",
        "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE > NEW`)",
        b"\xff\xfe",
        b"\xfe\xff",
        test=_is_utf16,
    ),
    Content(
        "text in CP949 (EUC-KR), as Korean Windows writes it",
        "save it as UTF-8 (`iconv -f CP949 -t UTF-8 FILE > NEW`)",
        test=_is_cp949,
    ),
    Content(
        "nothing but NUL bytes, as a crash or a full disk leaves it",
        "restore it from a copy",
        test=lambda head: len(head) >= _FEWEST and not head.strip(b"\0"),
    ),
    Content(
        "an HTML page, such as a login page that was downloaded in place of the file",
        "download the file itself, signed in",
        test=_is_html,
    ),
    Content("an XML document, such as the error of a download", "download the file itself", b"<?xml"),
    Content("a dump of a PostgreSQL database", "restore it into a database, and name that", b"PGDMP"),
    Content(
        "a dump in SQL",
        "load it into a new database (`sqlite3 NEW < FILE`), and name that",
        b"PRAGMA foreign_keys=OFF;",
        b"BEGIN TRANSACTION;",
        b"CREATE TABLE",
        b"-- PostgreSQL database dump",
    ),
    Content(
        "a symbolic link that git wrote as text",
        "set `core.symlinks` to true and check it out again, or name the file that it leads to",
        test=_is_path,
    ),
    Content(
        "text whose lines end in CR alone",
        r"save it with line feeds (`tr '\r' '\n' < FILE > NEW`)",
        test=_ends_lines_with_cr,
        unless=("database",),
    ),
    Content(
        "a table in CSV",
        "name the {noun} itself",
        b"id,status,priority,",
        b"id;status;priority;",
        b"id\tstatus\tpriority\t",
        b"\xef\xbb\xbfid,status,priority,",
    ),
    Content("a Markdown queue", "name it with --queue", test=_is_queue, unless=("queue",)),
    Content("a run log", "name it with --log-path", test=_is_log, unless=("run log", "report")),
    Content("a JSON document", "name the {noun} itself", b"{", b"[{", unless=("run log", "policy", "report")),
    Content("plain text", "name the {noun} itself", test=_is_text, unless=("queue", "run log", "policy", "report")),
)
