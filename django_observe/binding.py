"""What is current while a task is enqueued or runs: a context with the ID in it, and a tally."""

from __future__ import annotations

from typing import final

from opentelemetry.context import Context, attach, get_current

from django_observe import correlation, tally
from django_observe.tally import Tally


@final
class Binding:
    """Remembers what is current where it is made, for `release`.

    It remembers values, not tokens: what a thread has bound is carried by asgiref into the context that waits
    for the thread, and a token is worth nothing there.
    """

    __slots__ = ("_before", "_bound")

    def __init__(self) -> None:
        self._before = self._bound = get_current(), tally.current()

    def bind(self, identifier: str, context: Context, work: Tally | None) -> None:
        """Makes `context`, with the ID in it, and the tally current."""
        self._bound = correlation.within(context, identifier), work
        self.renew()

    def renew(self) -> None:
        """Makes what was bound current once more: the work may have left a context of its own behind."""
        _make_current(*self._bound)

    def release(self) -> None:
        """Gives back what was current before. It may be called again."""
        _make_current(*self._before)


def _make_current(context: Context, work: Tally | None) -> None:
    attach(context)
    tally.bind(work)
