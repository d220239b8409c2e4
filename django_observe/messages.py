"""Messages of any broker: what to put into one, and how its consumer goes on under it.

    stream.xadd("orders", {"event": "order_created", **outgoing()})

    for message in consumer:
        with continued(message.headers, "process orders"):
            handle(message)

OpenTelemetry's words: a *carrier* is what a message has for headers, and it is the *outgoing* request or
message that a context is injected into; to extract it and to make it current is to *continue* the trace
(W3C Trace Context). Celery's messages, and what OpenTelemetry instruments (gRPC, Kafka, aio-pika), carry the
same without either. Importing this imports no Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from django_observe import correlation

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

Carrier: TypeAlias = Mapping[Any, Any] | Iterable[Any] | None
"""A mapping, or pairs, of names and values, each text or bytes, names in any case; None has nothing."""

MAX_VALUE = 8_192
"""Characters or bytes of a value that is looked at (W3C Baggage allows as many); a longer one is absent."""

_PAIR = 2


def outgoing() -> dict[str, str]:
    """What to add to a message that is about to be sent: the correlation ID and the trace, as text.

    Names are lower case: `x-correlation-id` (as CORRELATION_HEADER has it) and `traceparent`. Outside of any
    request or task the ID is the current trace's, else a new one, so that the consumers of one message agree.
    """
    from opentelemetry import propagate

    from django_observe import propagation, traces
    from django_observe.reporting import guard

    carrier: dict[str, str] = {}
    with guard("messages"):
        propagate.inject(carrier)
    identifier = correlation.chosen(correlation.correlation_id(), traces.current())
    carrier.setdefault(propagation.id_fields()[0], identifier)
    return carrier


@contextmanager
def continued(
    carrier: Carrier, name: str | None = None, *, link: bool = False, attributes: Attributes = None
) -> Iterator[str]:
    """Runs a block under the ID and the trace of a message; gives the ID, and the context back afterwards.

    With a `name` (by OpenTelemetry's messaging conventions: "process orders") the block has a CONSUMER span:
    child of the producer's, or with `link` the root of a trace of its own, linked to it; a batch or a queue
    that waits for hours is better off with that. An exception marks the span and passes on.

    A message without an ID, or with a malformed one, gets a new one; nothing in a carrier raises. Messages
    are trusted as TRUSTED_PEERS are: who may write to the broker decides whose trace is continued.
    """
    from opentelemetry import trace
    from opentelemetry.trace import Link, SpanKind

    from django_observe import workspan
    from django_observe.reporting import guard

    identifier, context = received(carrier)
    producer = trace.get_current_span(context).get_span_context()
    if link:
        context = _without_span(context)
    linked = Link(producer) if link and producer.is_valid else None
    span = None
    with guard("messages"):
        span = workspan.started(name, context, SpanKind.CONSUMER, linked, attributes)
    with workspan.Work(identifier, context, span) as bound:
        yield bound


def identifier(carrier: Carrier) -> str | None:
    """The well-formed ID in `carrier`, if any; its trace is not looked at."""
    from django_observe import propagation
    from django_observe.reporting import guard

    with guard("messages"):
        return _identifier(_found(carrier, set(propagation.id_fields())))
    return None


def received(carrier: Carrier) -> tuple[str | None, Context]:
    """The well-formed ID in `carrier`, if any, and the context that is current with the carrier's trace.

    A carrier without a trace gives a context without a span: its work begins a new trace.
    """
    from opentelemetry.context import set_value

    from django_observe import propagation
    from django_observe.reporting import guard

    given = None
    context = set_value(correlation.CONTEXT_KEY, None, _without_span(None))
    with guard("messages"):
        found = _found(carrier, propagation.fields())
        given = _identifier(found)  # first: a propagator of the project's own may raise
        context = _extracted(found, context) if found else context
    return given, context


def _identifier(found: Mapping[str, str]) -> str | None:
    from django_observe import propagation

    values = (correlation.accepted(found.get(name)) for name in propagation.id_fields())
    return next(filter(None, values), None)


def _extracted(found: dict[str, str], context: Context) -> Context:
    from opentelemetry import propagate

    return propagate.extract(found, context)


def _without_span(context: Context | None) -> Context:
    from django_observe import currentspan

    return currentspan.without(context)


def _found(carrier: object, names: set[str]) -> dict[str, str]:
    """The values of `names` in a carrier, the first of each."""
    items: Iterable[Any] = ()
    if isinstance(carrier, Mapping):
        items = carrier.items()
    elif isinstance(carrier, Iterable) and not isinstance(carrier, (str, bytes)):
        items = carrier
    found: dict[str, str] = {}
    for item in items:
        if isinstance(item, (tuple, list)) and len(item) == _PAIR:
            name, value = (_text(part) for part in item)
            if name is not None and value is not None and name.lower() in names:
                found.setdefault(name.lower(), value)
    return found


def _text(value: object) -> str | None:
    """Text of a sensible size, from text or bytes (UTF-8); None for all else."""
    if not isinstance(value, (str, bytes, bytearray)) or len(value) > MAX_VALUE:
        return None
    if isinstance(value, str):
        return value
    return value.decode(errors="replace")
