"""One message that a consumer handles: with a span, under its connection's ID, its work counted."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, final

from channels.exceptions import StopConsumer
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from django_observe import privacy, tally, traces
from django_observe.records import CallStats, Failure, QueryStats
from django_observe.reporting import guard
from django_observe.tally import Tally
from django_observe.vocabulary import Attribute
from django_observe.workspan import Work


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
        self._work = Work(identifier, context, span)
        self.correlation_id = self._work.correlation_id

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
        self.trace = self._tally.trace = traces.current()
        self._token = tally.bind(self._tally)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = isinstance(error, Exception) and not isinstance(error, StopConsumer)
        with guard("channels"):
            self.failure = privacy.failure_of(error) if failed and error is not None else None
            _note_queries(self.queries)
            self._on_end(self)
        with guard("channels"):
            tally.reset(self._token)
        self._work.__exit__(*((kind, error, trace) if failed else (None, None, None)))


def _note_queries(queries: QueryStats) -> None:
    span = trace.get_current_span()
    if queries.count and span.is_recording():
        span.set_attribute(Attribute.DB_QUERY_COUNT, queries.count)
        span.set_attribute(Attribute.DB_QUERY_REPEAT, queries.repeat)
