"""The threads that run now: others' may end at any time, so what is asked is whether there are new ones."""

from __future__ import annotations

from threading import Thread
from threading import enumerate as running


def threads() -> set[Thread]:
    """All of this process."""
    return set(running())
