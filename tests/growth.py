"""How processor time grows with the size of the work, whatever the machine: no pattern may be quadratic."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import thread_time


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Whether `size` takes less than ten times what a quarter of it does; quadratic work takes sixteen."""
    gc.disable()
    try:
        quarter, whole = (min(_seconds(work, each) for _ in range(5)) for each in (size // 4, size))
    finally:
        gc.enable()
    return whole < 10 * quarter + 0.002


def _seconds(work: Callable[[int], object], size: int) -> float:
    started = thread_time()
    work(size)
    return thread_time() - started
