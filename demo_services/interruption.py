"""Ctrl-C and SIGTERM as one exception, which never parts a process's start from its being noted down."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The user or the system asked the demo to stop."""


class Interruption:
    """Raises Interrupted on the first signal: at once, or at the end of the `held()` it came in."""

    def __init__(self) -> None:
        self._holds = 0
        self._asked = False
        for number in SIGNALS:
            signal.signal(number, self._ask)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A stretch that is not interrupted in the middle."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._asked:
            self.ignore()
            raise Interrupted

    def ignore(self) -> None:
        """From here on signals do nothing: stopping is on its way."""
        self._holds += 1
        self._asked = False

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self._holds:
            self._asked = True
            return
        self.ignore()
        raise Interrupted
