"""The states of circuit breakers, as gauges of this process."""

from __future__ import annotations

from django_observe import circuitbreakers
from django_observe.collectors import family
from django_observe.metricset import BREAKER_STATE
from django_observe.vocabulary import BreakerState


class BreakerMetrics:
    """Shows each breaker in one of three states; a name whose breakers are all gone in none."""

    def __init__(self) -> None:
        self._states = family(BREAKER_STATE)

    def mirror(self) -> None:
        """Brings the gauges up to what the breakers are."""
        for name, counts in circuitbreakers.states().items():
            for state in BreakerState.ALL:
                self._states.child(name, state).set(counts[state.replace("_", "-")])
