"""Spans are weighed when they end, and cut down when they are too large, with nothing secret at the cut."""

from __future__ import annotations

from sys import getsizeof

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Status, StatusCode

from django_observe import otlpspans, spansize, spantext
from django_observe.spansize import MAX_SPAN, fitted, size_of


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def span(kept: Kept) -> Span:
    provider = TracerProvider(span_limits=spansize.limits(), shutdown_on_exit=False)
    provider.add_span_processor(kept)
    started = provider.get_tracer("shop").start_span("checkout")
    assert isinstance(started, Span)
    return started


def ended(span: Span, kept: Kept) -> tuple[ReadableSpan, int]:
    span.end()
    return fitted(kept.spans[0])


def encoded(span: ReadableSpan) -> bytes:
    body = otlpspans.encode([span])
    assert ExportTraceServiceRequest.FromString(body).resource_spans
    return body


def test_a_usual_span_stays_as_it_is(span: Span, kept: Kept) -> None:
    span.set_attributes({"url.path": "/checkout/", "http.response.status_code": 200, "tags": ("a", "b")})
    found, size = ended(span, kept)
    assert found is kept.spans[0]
    assert 300 < size < 1_000
    assert size_of(found) == size


def test_its_size_is_about_that_of_its_texts(span: Span, kept: Kept) -> None:
    span.set_attribute("text", "x" * 10_000)
    span.set_attribute("texts", ["\N{SNOWMAN}" * 1_000] * 10)
    _, size = ended(span, kept)
    assert size > getsizeof("x" * 10_000) + 10 * getsizeof("\N{SNOWMAN}" * 1_000)


def fill_texts(span: Span) -> None:
    for number in range(120):
        span.set_attribute(f"text.{number}", "x" * 10_000)


def fill_wide_texts(span: Span) -> None:
    for number in range(120):
        span.set_attribute(f"text.{number}", "\N{PILE OF POO}" * 10_000)


def fill_names(span: Span) -> None:
    for number in range(100):
        span.set_attribute(f"{number}" * 10_000, number)


def fill_items(span: Span) -> None:
    span.set_attribute("items", ["x" * 100] * 10_000)


def fill_events(span: Span) -> None:
    for number in range(120):
        span.add_event("e" * 5_000, {"exception.stacktrace": f"{number} " * 5_000})


def fill_links(span: Span) -> None:
    for _ in range(120):
        span.add_link(span.get_span_context(), {"text": "x" * 10_000})


def fill_status(span: Span) -> None:
    span.set_status(Status(StatusCode.ERROR, "x" * 1_000_000))


def fill_name(span: Span) -> None:
    span.update_name("x" * 1_000_000)


FILLS = [
    fill_texts,
    fill_wide_texts,
    fill_names,
    fill_items,
    fill_events,
    fill_links,
    fill_status,
    fill_name,
]


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
def test_a_large_one_is_cut_down(fill: object, span: Span, kept: Kept) -> None:
    assert callable(fill)
    span.set_attribute("first", "kept")
    fill(span)
    found, size = ended(span, kept)
    assert size <= MAX_SPAN
    assert size_of(found) == size
    assert len(encoded(found)) <= MAX_SPAN
    assert found.context == kept.spans[0].context
    assert found.attributes is not None
    assert found.attributes["first"] == "kept"


def test_the_last_events_are_kept_and_in_order(span: Span, kept: Kept) -> None:
    fill_events(span)
    found, _ = ended(span, kept)
    numbers = [
        int(str(dict(event.attributes or {})["exception.stacktrace"]).split()[0]) for event in found.events
    ]
    assert numbers[-1] == 119
    assert numbers == sorted(numbers)


def test_half_a_secret_is_not_left_at_a_cut(span: Span, kept: Kept) -> None:
    """Whatever the text before it, and wherever it is cut: by OpenTelemetry, by size, by number."""
    for number in range(100):
        padding = "x" * (spantext.MAX_KEPT - 40 - number)
        span.set_attribute(f"dsn.{number}", f"{padding} postgres://shop:hunter2hunter2hunter2hunter2@db/shop")
    found, _ = ended(span, kept)
    assert b"hunter2" not in encoded(found)
    assert b"hunter2" not in encoded(kept.spans[0])


def test_an_open_span_keeps_64_ki_characters_of_a_text(span: Span) -> None:
    span.set_attribute("text", "x" * 1_000_000)
    assert span.attributes is not None
    assert len(str(span.attributes["text"])) == spantext.MAX_KEPT


def test_unless_otel_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "3")
    limits = spansize.limits()
    assert (limits.max_attribute_length, limits.max_span_attribute_length, limits.max_events) == (100, 100, 3)
