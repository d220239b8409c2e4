"""Memory that was freed, returned to the system: an idle console holds what it needs, not what it needed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _trimmer() -> Callable[[int], object] | None:
    """The malloc_trim of glibc; other C libraries return memory by themselves, or cannot be asked to."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


_trim = _trimmer()


def give_back() -> None:
    """Takes a few milliseconds: for when nothing is going on."""
    if _trim:
        _trim(0)
