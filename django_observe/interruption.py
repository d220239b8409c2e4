"""Exceptions that a signal handler raises: meant for the code that was interrupted, no fault of it.

Celery's soft time limit, RQ's and many a deadline of a project's own come so, as plain Exceptions.
"""

from __future__ import annotations

from inspect import CO_VARARGS
from itertools import pairwise
from types import FrameType, TracebackType


def raised(trace: TracebackType | None) -> bool:
    """Whether a signal handler, or what one called, raised the exception of this traceback."""
    before = None
    while trace is not None:
        if before is not None and _is_handler(trace.tb_frame, before):
            return True
        before, trace = trace.tb_frame, trace.tb_next
    return False


def interrupted(frame: FrameType) -> FrameType:
    """The frame that a signal handler has interrupted, where `frame` is within one; else `frame`."""
    inner: FrameType | None = frame
    while inner is not None and inner.f_back is not None:
        if _is_handler(inner, inner.f_back):
            return inner.f_back
        inner = inner.f_back
    return frame


def _is_handler(frame: FrameType, before: FrameType) -> bool:
    """A handler is what Python calls with a number and the very frame that it interrupts (`signal.signal`).

    Only a frame among the arguments, or in their `*args`, is one: debuggers keep frames in variables as well.
    """
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
    values = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
    given = [one for each in values for one in (each if type(each) is tuple else (each,))]
    return any(type(number) is int and one is before for number, one in pairwise(given))
