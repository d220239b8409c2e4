"""How a task's message came to its run: how long it waited, by which clock, who asked for it, how often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TypedDict

from django_observe.reporting import guard
from django_observe.vocabulary import Header

MIN_SKEW_SECONDS = 0.01
"""A publish less than this in the future is no finding: clocks that NTP keeps differ by milliseconds."""

MAX_SECONDS = 30 * 24 * 3_600.0
"""A wait or a skew longer than this tells of a broken clock or header, not of a queue: it is unknown."""

_guard = guard("taskdelivery")
_BEATS_OPTION = "periodic_task_name"


class Delivery(TypedDict):
    """Fields of a `TaskRun` that its message decides."""

    queue_wait_seconds: float | None
    clock_skew_seconds: float | None
    schedule: str | None
    redelivered: bool


def of(
    headers: Mapping[Any, Any],
    eta: Any,
    started: float,
    delivery_info: Mapping[str, Any] | None,
    properties: Mapping[str, Any] | None,
) -> Delivery:
    """What is known of the delivery of a message whose run `started` (Unix time). Never raises."""
    delivery: Delivery = {
        "queue_wait_seconds": None,
        "clock_skew_seconds": None,
        "schedule": None,
        "redelivered": False,
    }
    with _guard:
        delivery["redelivered"] = bool((delivery_info or {}).get("redelivered"))
        delivery["schedule"] = _schedule(headers, properties or {})
        published = published_at(headers)
        if published is not None:
            delivery["queue_wait_seconds"] = _waited(published, eta, started)
            delivery["clock_skew_seconds"] = _skew(published, started)
    return delivery


def of_enqueue(published: float, eta: Any, started: float) -> Delivery:
    """The same of a task that came without a message, at a known time: a third of the instructions."""
    wait = skewed = None
    with _guard:
        wait, skewed = _waited(published, eta, started), _skew(published, started)
    return {
        "queue_wait_seconds": wait,
        "clock_skew_seconds": skewed,
        "schedule": None,
        "redelivered": False,
    }


def waited(headers: Mapping[Any, Any], eta: Any, started: float) -> float | None:
    """Seconds from the publish, or from the ETA if that is later, until `started`; 0 if that is negative."""
    published = published_at(headers)
    return None if published is None else _waited(published, eta, started)


def skew(headers: Mapping[Any, Any], started: float) -> float | None:
    """Seconds by which the publish lay after `started`, which only clocks that differ can make so."""
    published = published_at(headers)
    return None if published is None else _skew(published, started)


def _waited(published: float, eta: Any, started: float) -> float | None:
    seconds = started - (published if eta is None else max(published, unix_time(eta)))
    return max(seconds, 0.0) if abs(seconds) <= MAX_SECONDS else None


def _skew(published: float, started: float) -> float | None:
    ahead = published - started
    return ahead if MIN_SKEW_SECONDS < ahead <= MAX_SECONDS else None


def postponed(headers: Mapping[Any, Any], eta: Any) -> float:
    """Seconds from the publish to the ETA; 0 where either is unknown."""
    published = None if eta is None else published_at(headers)
    return 0.0 if published is None else max(unix_time(eta) - published, 0.0)


def published_at(headers: Mapping[Any, Any]) -> float | None:
    """Unix time of the publish, by the publisher's clock."""
    try:
        published = float(headers[Header.TASK_PUBLISHED_AT])
    except (KeyError, OverflowError, TypeError, ValueError):  # an integer may be too large for a float
        return None
    return published if math.isfinite(published) else None


def unix_time(eta: Any) -> float:
    """An ETA as Celery sends it (ISO 8601, UTC where it names no zone); minus infinity if it is none."""
    if eta is None:
        return -math.inf
    try:
        parsed = datetime.fromisoformat(eta)
    except (TypeError, ValueError):
        return -math.inf
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()


def _schedule(headers: Mapping[Any, Any], properties: Mapping[str, Any]) -> str | None:
    """As our beat names it, else as django-celery-beat's scheduler does in a property of the message."""
    name = headers.get(Header.TASK_SCHEDULE) or properties.get(_BEATS_OPTION)
    return name if isinstance(name, str) else None
