"""Exact tests of "nothing has changed" for two rates and for two counts, each on one side.

On both sides it is twice the chance. None rejects what holds more often than it says, however few the samples.
"""

from __future__ import annotations

from ops_checks.statistics.distributions import binomial, hypergeometric


def more_hits_by_chance(hits: int, samples: int, hits_before: int, samples_before: int) -> float:
    """Return the chance of at least so many hits if the rate is what it was before; 1.0 without samples.

    Fisher's exact test: R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98
    (1935), 39-82. Given how many hits there are in both, how they spread is hypergeometric, whatever the rate.
    """
    return hypergeometric(samples, hits + hits_before, samples + samples_before).reaching(hits)


def more_events_by_chance(events: int, time: float, events_before: int, time_before: float) -> float:
    """Return the chance of at least so many events in `time` if they come as often as before; the times are above 0.

    J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31
    (1940), 313-323. Given how many there are in both, each fell into either time by its length.
    """
    return binomial(events + events_before, time / (time + time_before)).reaching(events)
