"""What a work is held to, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.measure import added_ms, cpu_ratio, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bench.measure import Contender, Measured

    Found = Mapping[str, Measured]


@dataclass(frozen=True)
class Bound:
    """A limit in words, and the value that has to keep it."""

    words: str
    limit: float
    value: Callable[[Found], float]
    at_least: bool = False

    def kept(self, value: float) -> bool:
        """Tell whether a value keeps the bound."""
        return value >= self.limit if self.at_least else value <= self.limit


def times(ours: str, limit: float, peer: str) -> Bound:
    """At most so many times the peer's time."""
    return Bound(f"{ours}: at most {limit:.3g} x {peer}", limit, lambda found: ratio(found[ours], found[peer]))


def cpu_times(ours: str, limit: float, peer: str) -> Bound:
    """At most so many times the peer's processor time, which a disk or another program does not move."""
    words = f"{ours}: at most {limit:.3g} x the processor time of {peer}"
    return Bound(words, limit, lambda found: cpu_ratio(found[ours], found[peer]))


def memory(ours: str, limit: float) -> Bound:
    """At most so many MB, all processes together."""
    return Bound(f"{ours}: at most {limit:g} MB", limit, lambda found: _peak(found[ours]))


def memory_times(ours: str, limit: float, peer: str) -> Bound:
    """At most so many times the peer's memory."""
    words = f"{ours}: at most {limit:g} x the memory of {peer}"
    return Bound(words, limit, lambda found: _peak(found[ours]) / _peak(found[peer]))


def speed(ours: str, limit: float, peer: str) -> Bound:
    """At least so many times the peer's operations a second."""
    words = f"{ours}: at least {limit:g} x the operations a second of {peer}"
    return Bound(words, limit, lambda found: ratio(found[peer], found[ours]), at_least=True)


def added(ours: str, limit_ms: float, peer: str, share: float = 0.0) -> Bound:
    """At most so many milliseconds more than the peer, or so large a share of its time if that is more."""

    def over(found: Found) -> float:
        return added_ms(found[ours], found[peer]) - max(0.0, 1000 * share * found[peer].seconds - limit_ms)

    either = f" or {share:.0%}" if share else ""
    return Bound(f"{ours}: at most {limit_ms:g} ms{either} over {peer}", limit_ms, over)


def _peak(measured: Measured) -> float:
    return measured.peak_mb if measured.peak_mb is not None else float("nan")


@dataclass(frozen=True)
class Work:
    """One row of the benchmark. `data` says what it works on; `rounds` overrides how often each contender runs."""

    name: str
    data: str
    contenders: tuple[Contender, ...]
    bounds: tuple[Bound, ...]
    memory: bool = False
    rounds: int | None = None


def result(work: Work, found: Found, *, judged: bool) -> dict[str, Any]:
    """Return everything that was found of a work, as the JSON output has it."""
    first = found[work.contenders[0].name]
    values = [bound.value(found) for bound in work.bounds]
    answers = {name: sorted({answer for answer in measured.answers if answer}) for name, measured in found.items()}
    return {
        "work": work.name,
        "data": work.data,
        "agree": len({answer for told in answers.values() for answer in told}) <= 1,
        "answers": answers,
        "contenders": [
            {
                "name": name,
                "seconds": measured.seconds,
                "cpu_seconds": median(measured.cpu),
                "runs": [round(seconds, 5) for seconds in measured.times],
                "ours_to_it": ratio(first, measured),
                "peak_mb": measured.peak_mb,
            }
            for name, measured in found.items()
        ],
        "bounds": [
            {"bound": bound.words, "limit": bound.limit, "value": value, "kept": bound.kept(value) if judged else None}
            for bound, value in zip(work.bounds, values, strict=True)
        ],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the lines that tell a person of one work."""
    agreement = "all answers are the same" if found["agree"] else "THE ANSWERS DIFFER"
    told = [f"{found['work']}: {found['data']}; {agreement}"]
    differing = {} if found["agree"] else found["answers"]
    told += [f"    {name}: {answer}" for name, each in differing.items() for answer in each]
    for each in found["contenders"]:
        peak = f"{each['peak_mb']:8.0f} MB" if each["peak_mb"] is not None else ""
        seconds = f"{each['seconds']:9.3f} s" if each["seconds"] >= 1 else f"{1000 * each['seconds']:8.1f} ms"
        cpu = f"{each['cpu_seconds']:7.3f} s cpu"
        told.append(f"  {each['name']:32} {seconds:>11} {each['ours_to_it']:7.3f} x {cpu}{peak}")
    verdicts = {True: "ok", False: "MISSED", None: "not judged"}
    told += [f"  {each['bound']:62} {each['value']:8.3f}  {verdicts[each['kept']]}" for each in found["bounds"]]
    return told
