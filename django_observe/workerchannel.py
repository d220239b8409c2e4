"""A channel of a Channels worker (`runworker`): no connection stands behind its messages."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Any

from opentelemetry.context import Context
from opentelemetry.semconv._incubating.attributes.messaging_attributes import (
    MESSAGING_DESTINATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
)
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from django_observe.handledmessage import HandledMessage, name_of, started
from django_observe.records import ChannelMessage
from django_observe.reporting import report
from django_observe.vocabulary import Attribute


class ChannelConnection:
    """Each message gets an ID, a trace and a line of its own, as a task of Celery's would."""

    def __init__(self, consumer: Any, scope: dict[str, Any], _route: str) -> None:
        self._consumer = name_of(consumer)
        self._channel = str(scope["channel"])

    def __enter__(self) -> None:
        """Nothing is common to the messages."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What there was to tell has been told by message."""

    def handled(self, message: dict[str, Any]) -> HandledMessage:
        """A span that begins a trace, and the line at its end."""
        kind = str(message["type"])

        def tell(handled: HandledMessage) -> None:
            report(
                ChannelMessage(
                    correlation_id=handled.correlation_id,
                    trace=handled.trace,
                    consumer=self._consumer,
                    channel=self._channel,
                    type=kind,
                    seconds=perf_counter() - handled.started,
                    queries=handled.queries,
                    calls=handled.calls,
                    failure=handled.failure,
                )
            )

        attributes: dict[str, AttributeValue] = {
            MESSAGING_SYSTEM: "channels",
            MESSAGING_DESTINATION_NAME: self._channel,
            MESSAGING_OPERATION_TYPE: "process",
            Attribute.MESSAGE_TYPE: kind,
            Attribute.CONSUMER: self._consumer,
        }
        name = f"process {self._channel}"
        span = started(name, Context(), SpanKind.CONSUMER, attributes)
        return HandledMessage(None, Context(), span, tell)

    def sending(self, message: dict[str, Any]) -> dict[str, Any]:
        """A worker answers nobody."""
        return message
