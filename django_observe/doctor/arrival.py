"""Waiting for what was sent to be where it should arrive."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep, time
from typing import Final, TypeVar

from django_observe.doctor import timelimit
from django_observe.doctor.canary import Canary

Found = TypeVar("Found")

ARRIVAL_SECONDS: Final = 5.0
"""After it was sent; each backend batches for less than that."""
LEAST_SECONDS: Final = 1.0
"""A hop waits so long whatever those before it took."""

_PAUSE_SECONDS: Final = 0.2


def awaited(look: Callable[[], Found], canary: Canary, seconds: float | None = None) -> Found:
    """What `look` answers once that is true-ish, or its last answer when the time is over.

    That is `seconds` from now, or when the canary has had its time to arrive. Raises OutOfTimeError.
    """
    now = time()
    if seconds is None:
        seconds = max(canary.started_ns / 1e9 + ARRIVAL_SECONDS - now, LEAST_SECONDS)
    ends = now + min(timelimit.cut(seconds), canary.timeout)
    while not (found := look()) and time() < ends:
        sleep(_PAUSE_SECONDS)
    if not found:
        timelimit.check()
    return found


def of_spans(look: Callable[[], Found], canary: Canary) -> Found:
    """As `awaited`, but looks once where no span is on its way: none has left, and no service answered."""
    has_left = canary.is_recorded and "traces" in canary.delivered
    return awaited(look, canary, None if has_left or canary.answered else 0)
