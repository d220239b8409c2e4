"""The propagators of the ID and of the trace; imported, with OpenTelemetry's, by what propagates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.context import Context, set_value
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
        if identifier is not None and not _has(carrier, field := self._field):
            setter.set(carrier, field, identifier)

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


def _has(carrier: object, field: str) -> bool:
    """Whether a mapping, or a list of pairs as Kafka's headers are, has `field` already."""
    names: Iterable[object] = ()
    if type(carrier) is dict or isinstance(carrier, Mapping):
        names = carrier
    elif isinstance(carrier, (list, tuple)):
        names = (pair[0] for pair in carrier if isinstance(pair, (list, tuple)) and pair)
    return field in [(name if type(name) is str else _text(name)).lower() for name in names]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
