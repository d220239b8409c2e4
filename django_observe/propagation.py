"""Writing the correlation ID into, and reading it from, everything that OpenTelemetry propagates through."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import ModuleType

from opentelemetry.context import Context, set_value
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_observe import conf, correlation
from django_observe.correlation import CONTEXT_KEY, accepted
from django_observe.reporting import guard
from django_observe.vocabulary import Header

VARIABLE = "OTEL_PROPAGATORS"
_MODULE = "opentelemetry.propagate"


class TraceParentPropagator(TraceContextTextMapPropagator):
    """W3C Trace Context, but for the `tracestate` that comes in: it is somebody's own, and goes to nobody.

    The specification allows that for privacy's sake (Privacy Considerations); ADR 15 has the reasons.
    """

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """The caller's trace and span, without a state."""
        return super().extract(carrier, context, _WithoutState(getter))


class _WithoutState(Getter[CarrierT]):
    def __init__(self, getter: Getter[CarrierT]) -> None:
        self._getter = getter

    def get(self, carrier: CarrierT, key: str) -> list[str] | None:
        return None if key == Header.TRACESTATE else self._getter.get(carrier, key)

    def keys(self, carrier: CarrierT) -> list[str]:
        return self._getter.keys(carrier)


class CorrelationPropagator(TextMapPropagator):
    """Carries the correlation ID beside W3C Trace Context (OpenTelemetry API, "TextMap Propagator")."""

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Writes the ID of `context`, else the current one; a header the caller set, in any case, stays."""
        identifier = correlation.of(context) or correlation.correlation_id()
        if identifier is not None and not _has(carrier, self._field):
            setter.set(carrier, self._field, identifier)

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Puts a well-formed ID of `carrier` into the context, where `correlation_id()` finds it."""
        context = Context() if context is None else context
        identifier = None
        with guard("propagation"):  # what a message holds must not keep its consumer from it
            found = getter.get(carrier, self._field)
            identifier = accepted(_text(found[0])) if found else None
        return context if identifier is None else set_value(CONTEXT_KEY, identifier, context)

    @property
    def fields(self) -> set[str]:
        """The keys that `inject` writes."""
        return {self._field}

    @property
    def _field(self) -> str:
        return (conf.settings().correlation_header or Header.CORRELATION_ID).lower()


def id_fields() -> tuple[str, ...]:
    """Lower-case names of the ID in a message: written under the first, looked for under all of them."""
    settings = conf.settings()
    names = (settings.correlation_header or Header.CORRELATION_ID, *settings.correlation_headers)
    return tuple(dict.fromkeys(name.lower() for name in names))


def fields() -> set[str]:
    """Lower-case names of all that is looked for in a message."""
    return {*id_fields(), *importlib.import_module(_MODULE).get_global_textmap().fields}


def _has(carrier: object, field: str) -> bool:
    """Whether a mapping, or a list of pairs as Kafka's headers are, has `field` already."""
    names: Iterable[object] = ()
    if isinstance(carrier, Mapping):
        names = carrier
    elif isinstance(carrier, (list, tuple)):
        names = (pair[0] for pair in carrier if isinstance(pair, (list, tuple)) and pair)
    return any(_text(name).lower() == field for name in names)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@lru_cache(maxsize=64)
def meta_key(header: str) -> str:
    """The name that `header` has in request.META, under WSGI (PEP 3333) and in Django's ASGI requests."""
    return "HTTP_" + header.upper().replace("-", "_")


def install() -> None:
    """Makes W3C Trace Context and ours the global propagators; baggage and state if OTEL_PROPAGATORS asks.

    A name in OTEL_PROPAGATORS that is not installed costs a line on stderr, not the service.
    """
    propagate, asked = _propagate()
    current = propagate.get_global_textmap()
    if isinstance(current, CompositePropagator) and any(
        isinstance(part, CorrelationPropagator)
        for part in current._propagators  # noqa: SLF001 - no public list
    ):
        return
    first = current if asked else TraceParentPropagator()
    propagate.set_global_textmap(CompositePropagator([first, CorrelationPropagator()]))


def _propagate() -> tuple[ModuleType, bool]:
    """OpenTelemetry's module, and whether OTEL_PROPAGATORS chose its propagators: importing it reads them."""
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
