"""Records encoded, each batch for one request: what cannot be encoded, or is too large, stands alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django_observe.ledger import DropReason
from django_observe.reporting import guard

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Of one request before compression; receivers commonly refuse more (gRPC's and Loki's default limit)."""

RETRY_SECONDS = 300.0
"""How long a batch is tried again (`max_elapsed_time` of the OpenTelemetry Collector's exporters)."""


@dataclass(slots=True)
class Batch:
    """So many records in one request; with a `loss`, the reason why there is none."""

    body: bytes
    count: int
    loss: str = ""
    give_up_at: float = 0.0

    def is_worth_another_try(self, now: float) -> bool:
        """Whether a failure at `now` (monotonic seconds) is not yet RETRY_SECONDS after the first."""
        self.give_up_at = self.give_up_at or now + RETRY_SECONDS
        return now < self.give_up_at


def encoded(encode: Callable[[Sequence[Any]], bytes], records: Sequence[Any]) -> Iterator[Batch]:
    """`records` as few batches: those that do not fit into one are halved until the culprit stands alone."""
    body: bytes | None = None
    with guard("export.encode"):
        body = encode(records)
    if body is not None and len(body) <= MAX_REQUEST_BYTES:
        yield Batch(body, len(records))
    elif len(records) > 1:
        middle = len(records) // 2
        yield from encoded(encode, records[:middle])
        yield from encoded(encode, records[middle:])
    else:
        yield Batch(b"", len(records), DropReason.ENCODE if body is None else DropReason.TOO_LARGE)
