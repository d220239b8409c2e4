"""How much may wait and how long, as OpenTelemetry's variables for its batch processors say."""

from __future__ import annotations

from dataclasses import dataclass

from django_observe import conf

_PREFIXES = {"traces": "OTEL_BSP", "logs": "OTEL_BLRP"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one pipeline: OTEL_BSP_* for spans, OTEL_BLRP_* for log records."""

    queue: int = 2048
    batch: int = 512
    delay: float = 1.0
    """Seconds a record waits for others to share its request; also what a kill can lose.

    1 s, where OpenTelemetry's default is 5 s."""


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
