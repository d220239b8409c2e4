"""One message that a consumer handles: with a span, under its connection's ID, its work counted."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, Final, final

from channels.exceptions import StopConsumer
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from django_observe import conf, privacy, workspan
from django_observe.records import CallStats, Failure, QueryStats, TraceContext
from django_observe.reporting import guard
from django_observe.tally import Tally
from django_observe.workspan import Work

INSTRUMENTATION: Final = "channels"
"""Under this name OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches the spans off."""


def traced() -> bool:
    """Whether consumers have spans of their own; one that answers HTTP has a request's."""
    return conf.may_instrument(INSTRUMENTATION)


def started(
    name: str,
    context: Context,
    kind: SpanKind,
    attributes: dict[str, AttributeValue],
    link: Link | None = None,
) -> Span | None:
    """The span of a message, child of the one in `context`; None where spans are off."""
    return workspan.started(name, context, kind, link, attributes) if traced() else None


def name_of(consumer: Any) -> str:
    """The dotted name of a consumer's class."""
    kind = type(consumer)
    return f"{kind.__module__}.{kind.__qualname__}"


@final
class HandledMessage:
    """A context manager. That a handler ends its consumer (StopConsumer) is no failure of it."""

    def __init__(
        self,
        identifier: str | None,
        context: Context,
        span: Span | None,
        on_end: Callable[[HandledMessage], None],
    ) -> None:
        self.started = perf_counter()
        self.failure: Failure | None = None
        self._on_end = on_end
        self._tally = Tally()
        self._work = Work(identifier, context, span, self._tally)

    @property
    def correlation_id(self) -> str:
        """The ID it is handled under."""
        return self._work.correlation_id

    @property
    def trace(self) -> TraceContext | None:
        """The span it is handled in."""
        return self._tally.trace

    @property
    def queries(self) -> QueryStats:
        """The handler's database work so far."""
        return self._tally.queries()

    @property
    def calls(self) -> CallStats:
        """The handler's outbound calls so far."""
        return self._tally.calls()

    def __enter__(self) -> None:
        self._work.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = isinstance(error, Exception) and not isinstance(error, StopConsumer)
        with guard("channels"):
            self.failure = privacy.failure_of(error) if failed and error is not None else None
            self._on_end(self)
        self._work.__exit__(*((kind, error, trace) if failed else (None, None, None)))
