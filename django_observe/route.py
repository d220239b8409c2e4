"""The way out of one signal's records: how many may wait, where they go, what the receiver there says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from django_observe import conf

_PREFIXES = {"traces": "OTEL_BSP", "logs": "OTEL_BLRP"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: exported, worth another try, or refused for good."""

    verdict: Literal["exported", "retry", "refused"]
    rejected: int = 0
    """Records of an accepted request that the receiver did not keep (OTLP partial success)."""
    retry_after: float | None = None
    """Seconds the receiver asked to be left alone."""
    why: str = ""


class Receives(Protocol):
    """What a batch is sent to."""

    timeout: float

    def post(self, body: bytes, seconds: float) -> Outcome:
        """Sends one encoded batch within about `seconds`."""


@dataclass(frozen=True, slots=True)
class Route:
    """Of one signal: how its records are encoded, and what makes the connection to their receiver."""

    signal: str
    encode: Callable[[Sequence[Any]], bytes]
    receiver: Callable[[], Receives]
    prepare: Callable[[], None] = lambda: None
    """What takes long and needs nobody's request: called first thing on the worker."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one pipeline: OTEL_BSP_* for spans, OTEL_BLRP_* for log records."""

    queue: int = 2048
    """Records, as they came or encoded."""
    batch: int = 512
    delay: float = 1.0
    """Seconds a record waits for others to share its request; also what a kill can lose.

    1 s, where OpenTelemetry's default is 5 s."""
    bytes: int = 1_536 * 1024
    """Of all that is queued: three quarters of a KB for each record of a full queue."""


def limits(signal: str) -> Limits:
    """The limits of `signal` (traces or logs); a malformed variable leaves the default."""
    prefix, defaults = _PREFIXES[signal], Limits()
    queue = _number(f"{prefix}_MAX_QUEUE_SIZE", defaults.queue)
    batch = _number(f"{prefix}_MAX_EXPORT_BATCH_SIZE", defaults.batch)
    delay = _number(f"{prefix}_SCHEDULE_DELAY", round(defaults.delay * 1_000)) / 1_000
    return Limits(queue, min(batch, queue), delay)


def _number(variable: str, default: int) -> int:
    given = conf.environment(variable)
    return int(given) if given.isdecimal() and int(given) > 0 else default
