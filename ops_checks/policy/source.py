"""Read a policy file as bytes, without YAML: `status` imports this and has no time for a parser."""

from __future__ import annotations

from ops_checks.errors import UsageError
from ops_checks.files.safe_open import FileKind, read_regular

MOST_BYTES = 1_000_000
POLICY = FileKind("policy", "name a YAML file with --policy", most_bytes=MOST_BYTES, wrong_path=UsageError)

#: The sections that name no path of a queue.
_OTHER_SECTIONS = (b"consistency:", b"kpi:", b"waivers:")


def read_policy(path: str) -> bytes:
    """Return the bytes of a policy file.

    Raises UsageError for a file that is missing, not readable by this user, not regular or over 1 MB; InputError if
    reading fails.
    """
    return read_regular(path, POLICY)


def may_locate_queues(data: bytes) -> bool:
    """Return whether a policy may set the queues' paths, zone or precedence, without parsing YAML.

    False only if it surely does not: the file begins with a section of another kind, and so does every line that
    is not indented.
    """
    content = [line for line in data.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
    if not content or content[0][:1].isspace():
        return True
    return not all(line.startswith(_OTHER_SECTIONS) for line in content if not line[:1].isspace())
