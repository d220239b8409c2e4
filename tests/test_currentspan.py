"""The span that is current, where tests of a project have put a mock in its place."""

from __future__ import annotations

import logging
from unittest.mock import MagicMock, Mock

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from django_observe import currentspan, outgoing
from django_observe.logcontext import ContextFilter


@pytest.mark.parametrize("kind", [Mock, MagicMock])
def test_a_mock_is_no_span_to_lines_and_messages(kind: type[Mock]) -> None:
    record = logging.makeLogRecord({})
    with trace.use_span(kind(spec=trace.Span), end_on_exit=False):
        assert currentspan.context_in() is None
        assert ContextFilter().filter(record)
        assert outgoing().keys() == {"x-correlation-id"}
    assert record.trace_id == "-"  # type: ignore[attr-defined]


def test_ids_that_a_mock_made_up_are_none() -> None:
    span = Mock(spec=trace.Span)
    span.get_span_context.return_value = Mock(spec=SpanContext)
    with trace.use_span(span, end_on_exit=False):
        assert currentspan.context_in() is None
