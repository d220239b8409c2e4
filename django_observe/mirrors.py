"""What is kept elsewhere than in records and shown as metrics: the delivery ledger, circuit breakers."""

from __future__ import annotations

from django_observe.breakermetrics import BreakerMetrics
from django_observe.ledgermetrics import LedgerMetrics
from django_observe.reporting import guard

INTERVAL_SECONDS = 1.0
"""How often a busy process mirrors; each batch, each change of a breaker and each scrape does so too."""


class Mirrors:
    """Brings those metrics up to date."""

    def __init__(self) -> None:
        self._ledger = LedgerMetrics()
        self._breakers = BreakerMetrics()
        self._mirrored = 0.0

    def tick(self, now: float) -> None:
        """Mirrors if that was not done just now; `now` is Unix time."""
        if not -INTERVAL_SECONDS < now - self._mirrored < INTERVAL_SECONDS:
            self._mirrored = now
            self.mirror()

    def mirror(self) -> None:
        """Mirrors both; a fault of the one does not cost the other."""
        with guard("circuitbreakers"):
            self._breakers.mirror()
        self._ledger.mirror()
