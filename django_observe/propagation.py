"""What propagates the correlation ID and the trace: installed for all that OpenTelemetry propagates through.

Where tracing is off that waits for the first who propagates anything, and imports nothing before.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

from wrapt import register_post_import_hook

from django_observe import conf
from django_observe.vocabulary import Header

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

VARIABLE = "OTEL_PROPAGATORS"
_MODULE = "opentelemetry.propagate"
_awaited = False


def id_fields() -> tuple[str, ...]:
    """Lower-case names of the ID in a message: written under the first, looked for under all of them."""
    settings = conf.settings()
    names = (settings.correlation_header or Header.CORRELATION_ID, *settings.correlation_headers)
    return tuple(dict.fromkeys(name.lower() for name in names))


def fields() -> set[str]:
    """Lower-case names of all that is looked for in a message."""
    if not is_used():
        return {*id_fields(), Header.TRACEPARENT, Header.TRACESTATE}
    return {*id_fields(), *sys.modules[_MODULE].get_global_textmap().fields}


def is_used() -> bool:
    """Whether anybody has propagated anything yet, or may have."""
    return _MODULE in sys.modules


@lru_cache(maxsize=64)
def meta_key(header: str) -> str:
    """The name that `header` has in request.META, under WSGI (PEP 3333) and in Django's ASGI requests."""
    return "HTTP_" + header.upper().replace("-", "_")


def install() -> None:
    """Makes W3C Trace Context and ours the global propagators; baggage and state if OTEL_PROPAGATORS asks.

    What the project has set itself stays, with ours beside it. At once where there is tracing, or that
    variable; else as soon as OpenTelemetry's module is imported.
    """
    global _awaited
    if is_used() or conf.environment(VARIABLE) or conf.exports("traces"):
        _install(*_propagate())
    elif not _awaited:
        _awaited = True
        register_post_import_hook(lambda propagate: _install(propagate, asked=False), _MODULE)


def _install(propagate: ModuleType, asked: bool) -> None:
    from opentelemetry.propagators.composite import CompositePropagator

    from django_observe.propagators import CorrelationPropagator, TraceParentPropagator

    current = propagate.get_global_textmap()
    parts = current._propagators if isinstance(current, CompositePropagator) else [current]  # noqa: SLF001 - no public list
    if any(isinstance(part, CorrelationPropagator) for part in parts):
        return
    first = TraceParentPropagator() if not asked and _are_the_default(parts) else current
    propagate.set_global_textmap(CompositePropagator([first, CorrelationPropagator()]))


def _are_the_default(parts: Iterable[TextMapPropagator]) -> bool:
    """Whether these are what OpenTelemetry takes where neither the project nor OTEL_PROPAGATORS chose."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return [type(part) for part in parts] == [TraceContextTextMapPropagator, W3CBaggagePropagator]


def _propagate() -> tuple[ModuleType, bool]:
    """OpenTelemetry's module, and whether OTEL_PROPAGATORS chose its propagators: importing it reads them.

    A name in OTEL_PROPAGATORS that is not installed costs a line on stderr, not the service.
    """
    asked = conf.environment(VARIABLE)
    try:
        return importlib.import_module(_MODULE), bool(asked)
    except ValueError as fault:
        sys.stderr.write(f"django_observe: {VARIABLE} is {asked!r}: {fault}. Only tracecontext is used.\n")
        conf.set_environment(VARIABLE, None)
        try:
            return importlib.import_module(_MODULE), False
        finally:
            conf.set_environment(VARIABLE, asked)
