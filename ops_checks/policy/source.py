"""Read a policy file as bytes, without YAML: `status` imports this and has no time for a parser."""

from __future__ import annotations

from ops_checks.errors import UsageError
from ops_checks.files.safe_open import FileKind, read_regular

MOST_BYTES = 1_000_000
POLICY = FileKind("policy", "name a YAML file with --policy", most_bytes=MOST_BYTES, wrong_path=UsageError)

#: After so long work is stale, where nothing else is said.
DEFAULT_STALE_MINUTES = 60
_STALE = b"stale_minutes"
_MOST_DIGITS = 9
#: U+0085, U+2028 and U+2029, which the YAML reader refuses (they end a line to some readers only).
_UNCLEAR_ENDS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")

#: The sections that name no path of a queue.
_OTHER_SECTIONS = (b"consistency:", b"kpi:", b"history:", b"waivers:")


def read_policy(path: str) -> bytes:
    """Return the bytes of a policy file.

    Raises UsageError for a file that is missing, not readable by this user, not regular or over 1 MB; InputError if
    reading fails.
    """
    return read_regular(path, POLICY)


def lines(data: bytes) -> list[bytes]:
    """Return the lines of a policy by the line ends of YAML 1.2, of which CR alone is one."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def plain_stale_minutes(data: bytes) -> int | None:
    """Return after how many minutes work is stale by a policy that says so plainly; None where it must be parsed."""
    found = [line.strip() for line in lines(data) if _STALE in line and not line.lstrip().startswith(b"#")]
    if not found:
        return DEFAULT_STALE_MINUTES
    key, _, rest = found[0].partition(b":")
    value = rest.partition(b" #")[0].strip()
    is_plain = len(found) == 1 and key == _STALE and value.isdigit() and len(value) <= _MOST_DIGITS
    return int(value) if is_plain else None


def may_locate_queues(data: bytes) -> bool:
    """Return whether a policy may set the queues' paths, zone or precedence, without parsing YAML.

    False only if it surely does not: the file begins with a section of another kind, and so does every line that
    is not indented.
    """
    content = [line for line in lines(data) if line.strip() and not line.lstrip().startswith(b"#")]
    if not content or content[0][:1].isspace() or any(end in data for end in _UNCLEAR_ENDS):
        return True
    return not all(line.startswith(_OTHER_SECTIONS) for line in content if not line[:1].isspace())
