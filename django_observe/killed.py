"""What processes that were killed took with them: accepted for delivery, and neither exported nor dropped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from django_observe import valuefiles
from django_observe.ledger import DropReason
from django_observe.metricset import TELEMETRY_ACCEPTED, TELEMETRY_DROPPED, TELEMETRY_EXPORTED
from django_observe.notice import said
from django_observe.reporting import guard
from django_observe.vocabulary import Label

_SIGNS = {TELEMETRY_ACCEPTED.name: 1, TELEMETRY_EXPORTED.name: -1, TELEMETRY_DROPPED.name: -1}


def account(counters: Path) -> None:
    """Books in an ended process's own counters what it never delivered, as far as these show, and says so.

    Done twice, it books nothing more: the books are even then.
    """
    with guard("killed"):
        lost = undelivered(counters)
        if lost:
            _book(counters, lost)
            told = ", ".join(f"{signal} {count}" for signal, count in sorted(lost.items()))
            pid = counters.stem.rpartition("_")[2]
            said(f"django_observe: process {pid} ended without delivering what it had queued: {told}")


def undelivered(counters: Path) -> dict[str, int]:
    """Records by signal that the counters of a process show as accepted, and as nothing else."""
    books: Counter[str] = Counter()
    for text, (value, _) in valuefiles.read(counters):
        if "observe_telemetry_" in text:
            _, sample, labels, _ = valuefiles.key(text)
            if sample in _SIGNS:
                books[labels[Label.SIGNAL]] += _SIGNS[sample] * int(value)
    return {signal: count for signal, count in books.items() if count > 0}


def _book(counters: Path, lost: dict[str, int]) -> None:
    from prometheus_client.mmap_dict import MmapedDict, mmap_key

    metric = TELEMETRY_DROPPED
    file = MmapedDict(str(counters))  # type: ignore[no-untyped-call]
    for signal, count in lost.items():
        values = [signal, DropReason.KILLED]
        key = mmap_key(
            metric.name.removesuffix("_total"), metric.name, list(metric.labels), values, metric.help
        )
        file.write_value(key, float(count), 0.0)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]
