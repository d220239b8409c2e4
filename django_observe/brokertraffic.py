"""Keeps a worker's own traffic with its broker out of the traces: each poll would be a trace of one span.

Muted is the main process's main thread, which polls, acknowledges and beats; what tasks do is not.
"""

from __future__ import annotations

from contextvars import Token

from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, create_key

_MUTED = create_key("django_observe_broker_traffic")


def mute() -> None:
    """For the rest of this thread's life, and for what it forks until `forked`."""
    muted = context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)
    context.attach(context.set_value(_MUTED, True, muted))


def forked() -> None:
    """In a process of the pool: what the parent's thread had does not count here."""
    if context.get_value(_MUTED):
        context.attach(Context())


def unmute() -> Token[Context] | None:
    """Before a task that runs in a muted thread, as in the solo pool; detach the token after it."""
    if not context.get_value(_MUTED):
        return None
    heard = context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, False)
    return context.attach(context.set_value(_MUTED, False, heard))
