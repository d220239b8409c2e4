"""The correlation ID of what is running: a context variable, set with a token, reset with the token."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token, copy_context
from functools import wraps
from typing import ParamSpec, TypeVar

from opentelemetry.context import Context, get_value

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

CONTEXT_KEY = "django_observe_correlation_id"
"""Key under which an ID that OpenTelemetry extracted (gRPC, Kafka) lies in its context."""

MAX_LOOKED_AT = 256
"""Bytes of a header that are looked at; a longer value is not an ID."""

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,128}", re.ASCII)
_current: ContextVar[str | None] = ContextVar("django_observe_correlation_id", default=None)


def correlation_id() -> str | None:
    """The ID of the request, task or `correlated` block that is running; None outside of any."""
    return _current.get() or extracted(None)


@contextmanager
def correlated(identifier: str | None = None) -> Iterator[str]:
    """Runs a block under `identifier`, or under a new ID; a malformed one is replaced by a new one.

    For what starts outside of a request or task: a thread, a consumer loop, a script.
    """
    chosen = accepted(identifier) or generate()
    token = bind(chosen)
    try:
        yield chosen
    finally:
        reset(token)


def rebind(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`function`, to be run elsewhere under the ID, the span and all else that is current here.

    For threads and executors, which begin with an empty context (PEP 567):
    `Thread(target=rebind(work))`, `pool.submit(rebind(work))`. It may be called any number of times.
    """
    here = copy_context()

    @wraps(function)
    def rebound(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return here.copy().run(function, *args, **kwargs)

    return rebound


def accepted(value: str | None) -> str | None:
    """`value` if it is a well-formed ID (8 to 128 of A-Z a-z 0-9 . _ -), else None."""
    if value is None or len(value) > MAX_LOOKED_AT:
        return None
    return value if _ACCEPTED.fullmatch(value) else None


def generate() -> str:
    """A new ID: the 32 hex digits of a UUID4, so that it has the form of a trace ID."""
    return uuid.uuid4().hex


def bind(identifier: str) -> Token[str | None]:
    """Makes `identifier` the current ID; keep the token for `reset`."""
    return _current.set(identifier)


def reset(token: Token[str | None]) -> None:
    """Gives the context back the ID it had before `bind`."""
    _current.reset(token)


def extracted(context: Context | None) -> str | None:
    """The ID that OpenTelemetry's propagation put into `context` (default: the current one)."""
    value = get_value(CONTEXT_KEY, context)
    return value if isinstance(value, str) else None
