"""News of commits: whoever waits is woken, so that live pages and terminals need not ask again and again."""

from __future__ import annotations

import threading

from django_observe.console import limits


class Feed:
    """Counts commits. The number is only good for asking whether there was one since."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = 0
        self._closed = False
        self._streams = 0

    @property
    def closed(self) -> bool:
        """Whether the console is ending: streams end then."""
        return self._closed

    @property
    def streams(self) -> int:
        """How many hold a connection while they wait."""
        return self._streams

    def tell(self) -> None:
        """Something was committed."""
        with self._changed:
            self._number += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """The latest number as soon as it is not `seen`, or after `seconds` whatever it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != seen or self._closed, seconds)
            return self._number

    def admit(self) -> bool:
        """Takes one of the places for those who hold a connection while they wait; `leave` gives it back."""
        with self._changed:
            admitted = self._streams < limits.EVENT_STREAMS
            self._streams += admitted
            return admitted

    def leave(self) -> None:
        """Frees the place."""
        with self._changed:
            self._streams -= 1

    def close(self) -> None:
        """Wakes all for the last time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
