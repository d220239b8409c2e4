"""The states of circuit breakers, as gauges of this process."""

from __future__ import annotations

from collections import Counter

from django_observe import circuitbreakers
from django_observe.collectors import family
from django_observe.metricset import BREAKER_STATE
from django_observe.vocabulary import BreakerState


class BreakerMetrics:
    """Shows each breaker in one of three states; a name whose breakers are all gone in none."""

    def __init__(self) -> None:
        self._states = family(BREAKER_STATE)
        self._names: set[str] = set()

    def mirror(self) -> None:
        """Brings the gauges up to what the breakers are."""
        found = circuitbreakers.states()
        self._names |= found.keys()
        for name in self._names:
            counts = found.get(name, Counter())
            for state in BreakerState.ALL:
                self._states.child(name, state).set(counts[state.replace("_", "-")])
