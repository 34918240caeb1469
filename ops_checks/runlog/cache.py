"""What was read of a log that only grows is kept, so that the next evaluation reads only what was appended.

Kept are the statistics of the log's whole lines up to a byte offset, and what proves that the log
is still the one they were read from. A window moves on from one evaluation to the next, so for
windows the statistics are kept in segments with their time range: a segment that lies within the
window, or before it, is answered from the cache; one that the window begins in is read again.
The answer is then the one of a full read.

Whatever does not fit ends in a full read and a note. The one thing nobody can tell without
reading all of a log is an edit in the midst of one that is longer than twice PROOF, and grew
since: a log is appended to, or it is not for the cache.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.runlog import blocks, seal
from ops_checks.runlog.reading import read_part
from ops_checks.runlog.shares import WORTH_IT, cut, read_parts, shared
from ops_checks.runlog.stats import RunStats, merge, merged_parts, placed
from ops_checks.runlog.wire import packed, parsed
from ops_checks.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.runlog.blocks import Advance
    from ops_checks.runlog.selection import Selection

#: So many bytes at the beginning and before the offset are proven by their digest: up to twice this, the whole log.
PROOF = 512 << 10
#: The least size of a segment in bytes, and the most segments; of a longer log they are larger.
SEGMENT = 4 << 20
MOST_SEGMENTS = 256

#: A window in which everything lies that has a time.
_ALWAYS = -(2**63)


class Segment(Struct):
    """A part of a log, whole lines from `start` to `stop`: its time range, and its statistics, packed.

    Lines count from 1 in the segment. `undated`: it has ends without a time.
    """

    start: int
    stop: int
    first_ms: int | None
    last_ms: int | None
    undated: bool
    stats: bytes


class Kept(Struct):
    """All that is kept of a log. `scope` is what was asked of it, `size` and `changed_ns` what it was like."""

    scope: tuple[bool, list[str] | None]
    device: int
    inode: int
    size: int
    changed_ns: int
    proof: bytes
    segments: list[Segment]


class _Log(Struct, frozen=True):
    """An open log, and the state it was in when the reading began."""

    path: str
    descriptor: int
    state: os.stat_result
    selection: Selection
    advance: Advance | None

    @property
    def scope(self) -> tuple[bool, list[str] | None]:
        commands = self.selection.commands
        return self.selection.since_ms is not None, None if commands is None else sorted(commands)


def read_cached(
    path: str, descriptor: int, selection: Selection, home: str, advance: Advance | None = None
) -> RunStats:
    """Return the statistics of a plain log, from the cache as far as it goes, and keep them for the next time.

    `home` is the user's cache folder, "" if there is none; the secret that seals caches is kept
    there. The statistics are detailed, whatever `selection` says, so that one cache serves all;
    their `notes` say why a cache that was there was of no use, or could not be kept.
    """
    detailed = replace(selection, details=True)
    log = _Log(path, descriptor, os.fstat(descriptor), detailed, advance)
    secret = seal.secret(home)
    known, notes = _known(log, seal.places(path, home), secret) if secret else ([], [_NO_FOLDER])
    offset = known[-1].stop if known else 0
    if advance:
        advance(offset)
    stop = _after_last_line(log, offset)
    proof = _proof(log, stop)
    new = _read(log, offset, stop)
    segments = _joined([*known, *new], windowed=log.scope[0])
    if secret and new and proof is not None and proof == _proof(log, stop):
        notes += _keep(log, segments, proof, seal.places(path, home), secret)
    stats = merged_parts(path, (_answer(log, segment) for segment in segments))
    if not segments:
        stats = read_part(path, descriptor, 0, 0, detailed)
    if stop < log.state.st_size:
        stats.logs = tuple(replace(read, torn_tail=True) for read in stats.logs)
    stats.notes = tuple(f"{visible(path)}: {note}" for note in notes)
    return stats


_NO_FOLDER = "no log cache without the user's cache folder, which is to hold its secret: set HOME or XDG_CACHE_HOME"
_NOT_USED = "the log cache was not used, and the whole log was read"


def _known(log: _Log, places: Iterable[str], secret: bytes) -> tuple[list[Segment], list[str]]:
    """Return the segments that a cache holds of this log, and notes on why none does."""
    notes = []
    for place in places:
        if not os.path.lexists(place):
            continue
        kept = seal.unsealed(place, secret, Kept)
        reason = _misfit(log, kept) if isinstance(kept, Kept) else kept
        if reason is None and isinstance(kept, Kept):
            return kept.segments, []
        notes.append(f"{_NOT_USED}: {reason}")
    return [], notes[:1]


def _misfit(log: _Log, kept: Kept) -> str | None:
    """Say why a cache is not of this log as it is now and for what is asked of it, or return None."""
    now = log.state
    if kept.scope != log.scope:
        return "it is of another window or other commands"
    if (kept.device, kept.inode) != (now.st_dev, now.st_ino):
        return "the log is another file than before"
    if now.st_size < kept.size:
        return "the log is shorter than before"
    if now.st_size == kept.size and now.st_ctime_ns != kept.changed_ns:
        return "the log was changed and did not grow"
    if not kept.segments or _proof(log, kept.segments[-1].stop) != kept.proof:
        return "the log does not begin as it did before"
    return None


def _proof(log: _Log, stop: int) -> bytes | None:
    """Return a digest of the log's beginning and of the last bytes before `stop`; None if the log ends before."""
    from hashlib import blake2b

    head = blocks.piece(log.path, log.descriptor, min(PROOF, stop), 0)
    tail = blocks.piece(log.path, log.descriptor, min(PROOF, stop), max(0, stop - PROOF))
    if len(head) + len(tail) != 2 * min(PROOF, stop):
        return None
    return blake2b(head + tail, digest_size=32).digest()


def _after_last_line(log: _Log, start: int) -> int:
    """Return where the last whole line ends: what follows is a write in progress."""
    stop = log.state.st_size
    while stop > start:
        begin = max(start, stop - blocks.BLOCK)
        found = blocks.piece(log.path, log.descriptor, stop - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        stop = begin
    return start


def _read(log: _Log, start: int, stop: int) -> list[Segment]:
    """Read the part of a log that is not known yet into segments."""
    if start == stop:
        return []
    windowed = log.scope[0]
    size = stop - start
    if windowed:
        step = max(SEGMENT, size // MOST_SEGMENTS)
        bounds = cut(log.path, log.descriptor, start, stop, lambda _: step)
    else:
        bounds = cut(log.path, log.descriptor, start, stop, shared(size)) if size >= WORTH_IT else [start, stop]
    selection = replace(log.selection, since_ms=_ALWAYS if windowed else None)
    parts = read_parts(log.path, log.descriptor, bounds, selection, advance=log.advance)
    return [_segment(begin, end, stats) for (begin, end), stats in zip(pairwise(bounds), parts, strict=True)]


def _segment(start: int, stop: int, stats: RunStats) -> Segment:
    return Segment(start, stop, stats.first_ms, stats.last_ms, bool(stats.undated), packed(stats))


def _joined(segments: list[Segment], *, windowed: bool) -> list[Segment]:
    """Join neighbours: into one where there is no window, else while they are small or there are too many of them."""
    whole = sum(segment.stop - segment.start for segment in segments)
    largest = max(SEGMENT, whole // MOST_SEGMENTS) if windowed else whole
    joined: list[Segment] = []
    for segment in segments:
        if joined and segment.stop - joined[-1].start <= largest:
            joined[-1] = _pair(joined[-1], segment)
        else:
            joined.append(segment)
    return joined


def _pair(one: Segment, other: Segment) -> Segment:
    first, second = _unpacked(one), _unpacked(other)
    return _segment(one.start, other.stop, merge(first, placed(second, "", first.lines)))


def _unpacked(segment: Segment) -> RunStats:
    stats = parsed(segment.stats)
    if stats is None:  # it was sealed by this user, and packed by this version
        raise InputError("the log cache holds no statistics: run the command without --log-cache")
    return placed(stats, "", 0)


def _answer(log: _Log, segment: Segment) -> RunStats:
    """Return what a segment adds to the statistics that are asked for."""
    since = log.selection.since_ms
    if since is None or segment.first_ms is None or segment.first_ms >= since:
        return _unpacked(segment)
    if segment.last_ms is not None and segment.last_ms < since and not segment.undated:
        return _outside(_unpacked(segment))
    return read_part(log.path, log.descriptor, segment.start, segment.stop, log.selection)


def _outside(stats: RunStats) -> RunStats:
    """Return what remains of statistics all of whose records lie before the window."""
    return RunStats(lines=stats.lines, malformed=stats.malformed, defects=stats.defects, logs=stats.logs)


def _keep(log: _Log, segments: list[Segment], proof: bytes, places: Iterable[str], secret: bytes) -> list[str]:
    """Write the cache to the first of the places that takes it; return notes if none does."""
    state = log.state
    kept = Kept(log.scope, state.st_dev, state.st_ino, state.st_size, state.st_ctime_ns, proof, segments)
    problem = seal.write(kept, places, secret)
    return [f"the log cache could not be kept: {problem}"] if problem else []
