"""The WebSockets that are open in this process: a server that stops may leave them without a word.

Daphne 4.2 does: it neither cancels its consumers nor tells them.
"""

from __future__ import annotations

import atexit
from typing import Protocol

from django_observe import exits, forks
from django_observe.reporting import guard


class Open(Protocol):
    """One that is open."""

    def end(self, error: BaseException | None) -> None:
        """Tells of it; only the first call counts."""


_open: set[Open] = set()
_awaited = False


def add(socket: Open) -> None:
    """Has `socket` ended where the process ends, unless it is discarded before."""
    global _awaited
    if not _awaited:
        _awaited = True
        exits.before(end_all)
        atexit.register(end_all)  # `exits` says nothing where nothing is exported
    _open.add(socket)


def discard(socket: Open) -> None:
    """It has ended; may be called again."""
    _open.discard(socket)


def end_all() -> None:
    """Tells of those that are open; their process is about to end."""
    while _open:
        with guard("channels"):
            _open.pop().end(None)


forks.in_child(_open.clear)
