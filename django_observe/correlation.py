"""The correlation ID of what is running, kept in OpenTelemetry's context: what carries that carries the ID.

So a message's extracted context brings the message's own ID, and none where the message has none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Token, copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from opentelemetry.context import Context, attach, get_current, set_value

if TYPE_CHECKING:
    from django_observe.tracecontext import TraceContext

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

CONTEXT_KEY = "django_observe_correlation_id"
"""Key of the ID in OpenTelemetry's context."""

MAX_LOOKED_AT = 256
"""Bytes of a header that are looked at; a longer value is not an ID."""

_UUID_MASK, _UUID_4 = 0xF000_C000 << 48, 0x4000_8000 << 48  # version and variant (RFC 9562, section 5.4)
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,128}", re.ASCII)


def correlation_id() -> str | None:
    """The ID of the request, task or `correlated` block that is running; None outside of any."""
    return of(get_current())


@contextmanager
def correlated(identifier: str | None = None) -> Iterator[str]:
    """Runs a block under `identifier`, or under a new ID; a malformed one is replaced by a new one.

    For what starts outside of a request or task: a thread, a consumer loop, a script.
    """
    bound = chosen(accepted(identifier), None)
    token = bind(bound)
    try:
        yield bound
    finally:
        reset(token)


def rebind(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`function`, to be run elsewhere under the ID, the span and all else that is current here.

    For what carries no context by itself, such as a Thread's own `run` or a pool of another library.
    It may be called any number of times.
    """
    here = copy_context()

    @wraps(function)
    def rebound(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return here.copy().run(function, *args, **kwargs)

    return rebound


def accepted(value: Any) -> str | None:
    """`value` if it is a well-formed ID (8 to 128 of A-Z a-z 0-9 . _ -), else None."""
    if not issubclass(type(value), str) or len(value) > MAX_LOOKED_AT:  # `isinstance` believes a lazy object
        return None
    return value if _ACCEPTED.fullmatch(value) else None


def generate() -> str:
    """A new ID: the 32 hex digits of a UUID4, so that it has the form of a trace ID."""
    number = int.from_bytes(os.urandom(16), "big") & ~_UUID_MASK | _UUID_4
    return f"{number:032x}"  # `uuid4().hex` makes an object for it: 9k of a request's 200k instructions


def chosen(given: str | None, trace: TraceContext | None) -> str:
    """The ID of a piece of work: the given one, else that of its trace, else a new one."""
    return given or (trace.trace_id if trace else generate())


def of(context: Context | None) -> str | None:
    """The ID in `context`, if there is a context with one."""
    value = context.get(CONTEXT_KEY) if context else None
    return value if isinstance(value, str) else None


def within(context: Context | None, identifier: str) -> Context:
    """`context` (default: what is current) with `identifier` in it."""
    return set_value(CONTEXT_KEY, identifier, context)


def bind(identifier: str, context: Context | None = None) -> Token[Context]:
    """Makes `context` (default: what is current already) current with `identifier` in it; keep the token."""
    return attach(within(context, identifier))


def reset(token: Token[Any]) -> None:
    """Gives the context back what it had before `bind`; in another context there is nothing to give back.

    OpenTelemetry's `detach` would log an error there, where a client that went away is no error.
    """
    try:  # noqa: SIM105 - `suppress` takes 2k of instructions a request
        token.var.reset(token)
    except (ValueError, RuntimeError):
        pass
