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

    __slots__ = ("_bound", "context", "tally")

    def __init__(self) -> None:
        self.context, self.tally = self._bound = get_current(), tally.current()

    def bind(self, identifier: str, context: Context, work: Tally | None) -> None:
        """Makes `context`, with the ID in it, and the tally current."""
        if correlation.of(context) != identifier:  # as it mostly does in a task: its message brought both
            context = correlation.within(context, identifier)
        self._bound = context, work
        attach(context)
        tally.bind(work)

    def renew(self) -> None:
        """Makes what was bound current once more: the work may have left a context of its own behind."""
        context, work = self._bound
        attach(context)
        tally.bind(work)

    def release(self) -> None:
        """Gives back what was current before. It may be called again."""
        attach(self.context)
        tally.bind(self.tally)
