"""What the kit does once a second, done once in an order: as if a hundred requests came in a second.

Valgrind counts no seconds, but takes some fifty times as many of them, and more on a busy machine: by the
clock, one count of a request with a call was up to 43k instructions above another of the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERVALS = {
    "django_observe.exemplars": "INTERVAL_SECONDS",
    "django_observe.loghandler": "LOOK_SECONDS",
    "django_observe.mirrors": "INTERVAL_SECONDS",
}
"""Modules, and how often each does such a thing."""

_HELD = 3_600.0


@contextmanager
def beginning() -> Iterator[None]:
    """All of it is due within, and none of it afterwards."""
    _every(0.0)
    try:
        yield
    finally:
        _every(_HELD)


def _every(seconds: float) -> None:
    for name, interval in INTERVALS.items():
        if module := sys.modules.get(name):
            setattr(module, interval, seconds)
