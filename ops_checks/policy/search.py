"""Find and read the policy, and find the project: here or in the nearest folder above (FORMATS section 8).

Every command imports this, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat

from ops_checks.errors import InputError, UsageError
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ops_checks.policy.model import Policy

    #: Path of the policy, relative to the current folder (None: there is none), and notes on what was not taken.
    FoundPolicy = tuple[str | None, tuple[str, ...]]
    Find = Callable[[], FoundPolicy]

DEFAULT_POLICY = "ops-checks.yaml"
#: What is easily taken for the policy's name, and is not read.
_LIKE_A_POLICY = (
    *("ops-checks.yml", ".ops-checks.yaml", ".ops-checks.yml", "ops-checks.json", ".ops-checks.json"),
    *("ops-checks.toml", ".ops-checks.toml", "ops_checks.yaml", "ops_checks.yml", "ops-check.yaml", "ops-check.yml"),
)
#: A report may have such a name too: this is among its first bytes.
_OF_A_REPORT = b'"schema_version"'
_PROJECT = "pyproject.toml"
_SECTION = (b"[tool.ops-checks", b"[tool.ops_checks", b'[tool."ops-checks')
_MOST_BYTES = 1 << 20


def find_policy() -> FoundPolicy:
    """Return the path of the nearest policy, and notes on a folder above whose policy cannot be taken.

    The last folder looked in is the repository's root; without a repository it is the home folder, or the last one of
    the file system. A folder above that everybody may write to is passed over; the current one is the user's choice.
    Raises UsageError for a policy of another owner, and for a file that looks like a policy and is not read.
    """
    notes: list[str] = []
    for prefix, state in _folders():
        path = prefix + DEFAULT_POLICY
        if prefix and not os.access(prefix, os.X_OK):
            notes.append(f"{visible(path)}: cannot be looked for (no permission): name the policy if there is one")
            break
        if prefix and state.st_mode & stat.S_IWOTH:
            if _exists(path):
                notes.append(f"{visible(path)}: not read, everybody may write to its folder: name it if you trust it")
            continue
        refuse_lookalikes(prefix)
        if _exists(path):
            _refuse_other_owner(path)
            return path, tuple(notes)
    return None, tuple(notes)


def refuse_lookalikes(prefix: str = "") -> None:
    """Raise UsageError if a folder (its path with a slash at its end) has a file that only looks like a policy."""
    found = [path for name in _LIKE_A_POLICY if os.path.lexists(path := prefix + name) and not _is_report(path)]
    _refuse_section(prefix + _PROJECT)
    if not found:
        return
    right = prefix + DEFAULT_POLICY
    advice = (
        f"{visible(right)} beside it is: bring what it says there, then give it a name that is no policy's"
        if os.path.lexists(right)
        else f"a policy is named {DEFAULT_POLICY}: rename it"
    )
    raise UsageError(*_lines([f"{visible(path)}: looks like a policy and is not read: {advice}" for path in found]))


def _is_report(path: str) -> bool:
    return path.endswith(".json") and (not (head := _bytes(path, 200)) or _OF_A_REPORT in head)


def _refuse_section(path: str) -> None:
    """Raise UsageError if a project's file has a section that only looks like a policy."""
    lines = _bytes(path, _MOST_BYTES).splitlines() if os.path.lexists(path) else ()
    if any(line.lstrip().startswith(_SECTION) for line in lines):
        raise UsageError(
            f"{visible(path)}: its section tool.ops-checks is not read: a policy is a file {DEFAULT_POLICY}"
        )


def _bytes(path: str, most: int) -> bytes:
    """Return the first bytes of a regular file; none of anything else."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read(most)
    except OSError:
        return b""


class DefaultPaths:
    """The default paths: in the folder of the project if that is above the current one, else in the current one.

    It is the policy's folder; where no policy is, the nearest folder that has one of `marks` (default paths). `folder`
    is empty for the current one. A default path that exists in the current folder comes first all the same, with a
    note. `looked` says where a project was looked for in vain.
    """

    def __init__(self, policy_path: str | None, marks: Sequence[str] = ()) -> None:
        self.notes: list[str] = []
        self.looked = ""
        self.folder = _folder_above(policy_path)
        if marks and not _is_here_or_above(policy_path):
            self.folder = self._marked(marks)

    def _marked(self, marks: Sequence[str]) -> str:
        """Return the nearest folder with one of the marks, as `find_policy` looks for a policy; empty for none."""
        for prefix, state in (folders := _folders()):
            if prefix and not os.access(prefix, os.X_OK):
                break
            found = next((prefix + mark for mark in marks if os.path.lexists(prefix + mark)), None)
            strange = _strange(state, found) if found and prefix else None
            if strange:
                self.notes.append(f"{visible(found or '')}: not taken, {strange}: name it if you trust it")
            elif found:
                return prefix.rstrip("/")
        try:
            here = os.getcwd()
        except OSError:  # the current folder is gone, and nothing is above it
            return ""
        top = os.path.normpath(os.path.join(here, folders[-1][0])) if folders else here
        looked = f"looked in {visible(here)}" + ("" if here == top else f" and above it, up to {visible(top)}")
        self.looked, self.notes = "; ".join((looked, *self.notes)), []
        return ""

    def path(self, default: str) -> str:
        """Return where a default path is; keep a note if it is not where the policy is."""
        if not self.folder:
            return default
        beside_policy = os.path.join(self.folder, default)
        if not os.path.lexists(default):
            return beside_policy
        self.notes.append(f"{default}: the one in the current folder is read, not {visible(beside_policy)}")
        return default


def _strange(folder: os.stat_result, path: str) -> str | None:
    """Return why a file above the current folder is not taken for the project's, None if it is."""
    if folder.st_mode & stat.S_IWOTH:
        return "everybody may write to its folder"
    state = _state(path)
    trusted = state is None or state.st_uid in {os.geteuid(), 0}
    return None if trusted or state is None else f"it belongs to another user (uid {state.st_uid})"


def _is_here_or_above(policy_path: str | None) -> bool:
    """Return whether there is a policy, in the current folder or one above it."""
    state = _state(os.path.dirname(policy_path) or os.curdir) if policy_path else None
    return state is not None and any(os.path.samestat(state, each) for _, each in _up_to_the_top())


def _folder_above(policy_path: str | None) -> str:
    """Return the folder of a policy if it is above the current one, else an empty path."""
    folder = os.path.dirname(policy_path or "")
    state = _state(folder) if folder else None
    above = state is not None and any(os.path.samestat(state, each) for _, each in _up_to_the_top()[1:])
    return folder if above else ""


def _lines(lines: list[str]) -> tuple[str, tuple[str, ...]]:
    return lines[0], tuple(lines[1:])


def _folders() -> list[tuple[str, os.stat_result]]:
    """Return the folders to look in, from the current one up, each as the beginning of a relative path."""
    above = _up_to_the_top()
    for count, (prefix, _) in enumerate(above, 1):
        if os.path.lexists(prefix + ".git"):
            return above[:count]
    home = _state(os.path.expanduser("~"))
    for count, (_, state) in enumerate(above, 1):
        if home is not None and os.path.samestat(state, home):
            return above[:count]
        if state.st_dev != above[0][1].st_dev:
            return above[: count - 1]
    return above


def _up_to_the_top() -> list[tuple[str, os.stat_result]]:
    """Return the current folder and all above it, as far as they can be seen. Raises InputError if a look fails."""
    found: list[tuple[str, os.stat_result]] = []
    prefix, state = "", _seen(os.curdir)
    while state is not None and not (found and os.path.samestat(state, found[-1][1])):
        found.append((prefix, state))
        prefix = "../" + prefix
        state = _seen(prefix)
    return found


def _seen(folder: str) -> os.stat_result | None:
    """Return the state of a folder, None for one that is gone or not for this user.

    Raises InputError for any other failure: a policy that is there would pass for none.
    """
    try:
        return os.stat(folder)
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be looked at for a policy ({error.strerror}): check the disk, or name it with --policy"
        ) from error


def _state(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _exists(path: str) -> bool:
    """Return whether a name is taken. If even that cannot be found out, yes: reading it will explain."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _refuse_other_owner(path: str) -> None:
    """Raise UsageError if a policy that nobody named, or the link to it, belongs to neither this user nor root."""
    for look_at in (os.lstat, os.stat):
        try:
            owner = look_at(path).st_uid
        except OSError:
            return  # reading it will explain
        if owner not in {os.geteuid(), 0}:
            raise UsageError(
                f"{visible(path)}: belongs to another user (uid {owner}), who could loosen it: "
                "name it with --policy if you trust it"
            )


def logs_of(environ: Mapping[str, str], policy: Policy | None) -> tuple[str, ...]:
    """Return the paths and patterns of the run log that the environment names, or else the policy."""
    named = environ.get("ORCH_LOG_PATH")
    if named:
        return (named,)
    if policy is None:
        return ()
    from ops_checks.runlog.engines import is_log_url

    return tuple(path if is_log_url(path) else in_policy(policy, path) or path for path in policy.logs)


def policy_at(path: str | None, *, queues_only: bool, named: bool) -> Policy | None:
    """Return the policy at a path (None: the defaults); None if none is needed, see `settings.resolve`.

    Raises UsageError for what is no policy, InputError for a file that cannot be read.
    """
    if path is None:
        if queues_only:
            return None
        from ops_checks.policy.model import Policy

        return Policy()
    from ops_checks.policy.source import may_locate_queues, read_policy

    data = read_policy(path)
    if queues_only and not named and not may_locate_queues(data):
        return None
    from ops_checks.policy.loader import parse_policy

    return parse_policy(data, path)


def in_policy(policy: Policy | None, location: str | None) -> str | None:
    """Return a location that a policy names; a path is relative to the policy's folder."""
    if not location or policy is None or is_url(location):
        return location
    return os.path.join(os.path.dirname(policy.path or ""), location)
