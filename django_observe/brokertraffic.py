"""Keeps a worker's own traffic with its broker out of the traces: each poll would be a trace of one span.

Muted is the main process's main thread, which polls, acknowledges and beats; what tasks do is not.
"""

from __future__ import annotations

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


def hear() -> None:
    """Ends the mute where a task begins that runs in a muted thread."""
    if context.get_value(_MUTED):
        context.attach(heard(context.get_current()))


def heard(given: Context) -> Context:
    """`given` without the mute, for a task that runs in a muted thread, as in the solo pool."""
    if not context.get_value(_MUTED, given):
        return given
    return context.set_value(_MUTED, False, context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, False, given))
