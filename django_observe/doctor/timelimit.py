"""The time of the whole examination: what is asked after it would be blamed for the slowness of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

_ends: ContextVar[float] = ContextVar("django_observe_doctor_ends", default=inf)


class OutOfTimeError(Exception):
    """The examination's time is over: of what was asked last, and of all else, nothing is known."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked in this block has `seconds`, together."""
    token = _ends.set(monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def cut(seconds: float) -> float:
    """`seconds`, or what is left if that is less. Raises OutOfTimeError."""
    left = _ends.get() - monotonic()
    if left <= 0:
        raise OutOfTimeError
    return min(seconds, left)


def check() -> None:
    """Raises OutOfTimeError once the time is over."""
    cut(0)
