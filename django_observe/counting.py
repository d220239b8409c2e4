"""The one lock under which metric values grow: those of a record together, and none while a process forks."""

from __future__ import annotations

import os
import threading
from typing import Final

FORK_SECONDS: Final = 1.0

lock = threading.RLock()
"""Reentrant: a signal handler or a destructor may count while it is held."""


_is_had = False
"""Whether the thread that forks got the lock: it may have held it before, and goes on in the child."""


def _before_fork() -> None:
    """Prometheus_client's one lock of shared values would stay locked in a child forked while one grows."""
    global _is_had
    _is_had = lock.acquire(timeout=FORK_SECONDS)


def _after_fork_in_parent() -> None:
    if _is_had:
        lock.release()


def _after_fork_in_child() -> None:
    """In place, as values hold it too; where another thread had the lock, that stayed in the parent."""
    if _is_had:
        lock.release()
    else:
        lock._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001 - as logging does with its locks


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
