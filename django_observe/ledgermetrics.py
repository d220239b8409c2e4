"""Telemetry about telemetry: the delivery ledger and our own faults, as metrics of this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from django_observe import multiprocess, reporting
from django_observe.collectors import Family, family
from django_observe.ledger import DropReason
from django_observe.metricset import (
    INTERNAL_FAILURES,
    TELEMETRY_ACCEPTED,
    TELEMETRY_DROPPED,
    TELEMETRY_EXPORTED,
    TELEMETRY_LAST_SUCCESS,
    TELEMETRY_QUEUED,
)

_OF_LINES = (DropReason.QUEUE_FULL, DropReason.UNDELIVERED, DropReason.SHUTDOWN)
_OF_EXPORT = (
    *_OF_LINES,
    DropReason.ENCODE,
    DropReason.TOO_LARGE,
    DropReason.REJECTED,
    DropReason.REFUSED,
)


class LedgerMetrics:
    """Mirrors counts that are kept elsewhere, by what they grew since the last look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, ...], int] = {}
        self._begun: set[str] = set()
        self._pid = os.getpid()
        self._accepted = family(TELEMETRY_ACCEPTED)
        self._exported = family(TELEMETRY_EXPORTED)
        self._dropped = family(TELEMETRY_DROPPED)
        self._queued = family(TELEMETRY_QUEUED)
        self._last_success = family(TELEMETRY_LAST_SUCCESS)
        self._failures = family(INTERNAL_FAILURES)

    def mirror(self) -> None:
        """Brings the metrics up to what the ledger and the guard say."""
        if os.getpid() != self._pid:  # forked: what the parent counted is the parent's
            self._lock, self._pid, self._seen = threading.Lock(), os.getpid(), {}
            self._begun = set()
            self._remember_failures()
        with self._lock:
            self._mirror_ledgers()
            self._grow(self._failures, reporting.failures())

    def _mirror_ledgers(self) -> None:
        from django_observe import export

        for signal, ledger in export.snapshot().items():
            if signal not in self._begun:
                self._begin(signal)
            self._grow(self._exported, {signal: ledger.exported})
            for reason, lost in ledger.dropped.items():
                self._grow(self._dropped, {reason: lost}, signal)
            # last: a process that ends in between is not one that was killed with records in its queue
            self._grow(self._accepted, {signal: ledger.accepted})
            self._queued.child(signal).set(ledger.queued)
            if ledger.last_success_seconds is not None:
                self._last_success.child(signal).set(ledger.last_success_seconds)

    def _begin(self, signal: str) -> None:
        """Has a signal's counters start at 0: to PromQL's increase() the first value is no growth."""
        reasons = _OF_LINES if signal == "stdout" else _OF_EXPORT
        if multiprocess.directory() is not None:
            reasons = (*reasons, DropReason.KILLED)
        for reason in reasons:
            self._dropped.child(signal, reason)
        self._exported.child(signal)
        self._accepted.child(signal)
        self._begun.add(signal)

    def _grow(self, grown: Family, counts: Mapping[str, int], *before: str) -> None:
        for value, count in counts.items():
            key = (grown.metric.name, *before, value)
            gain = count - self._seen.get(key, 0)
            if gain:
                self._seen[key] = count
                grown.child(*before, value).inc(gain if gain > 0 else count)

    def _remember_failures(self) -> None:
        for place, count in reporting.failures().items():
            self._seen[(self._failures.metric.name, place)] = count
