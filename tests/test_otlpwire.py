"""Spans written by hand are what OpenTelemetry's encoder and protobuf make of them, whatever is in them."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from django_observe import otlphttp, otlpspans, otlpwire, persons, spantext
from django_observe.pathtext import scrub_path
from django_observe.redaction import scrub_text
from django_observe.spanfields import _HARMLESS, _OURS

EXAMPLES = int(os.environ.get("FUZZ", "100"))

texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(
        ["", "\ud800", "a\udfffz", "é" * 127, "x" * 128, "x" * 257, "y" * 20_000, "password=hunter22"]
    ),
)
integers = st.one_of(
    st.integers(),
    st.sampled_from(
        [0, 1, -1, 127, 128, 16_383, 16_384, 65_535, 65_536, 2**31, -(2**63), 2**63 - 1, 2**63, -(2**63) - 1]
    ),
)
scalars = st.one_of(texts, st.booleans(), integers, st.floats(), st.binary(max_size=200), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(texts, inner, max_size=4),
    ),
    max_leaves=12,
)
KEYS = [
    *(
        "http.request.method",
        "http.route",
        "url.path",
        "url.query",
        "url.full",
        "client.address",
        "client.port",
    ),
    *(
        "user.id",
        "enduser.id",
        "user_agent.original",
        "network.peer.address",
        "correlation_id",
        "session.token",
    ),
    *("db.system.name", "db.query.text", "db.statement", "db.query.parameter.id", "exception.stacktrace"),
]
SAID = [
    "GET",
    "/orders/17/",
    "/orders/<slug>/",
    "orders/<slug>/",
    "/a@b.example/",
    "q=[redacted]",
    "q=secret",
]
STATED = ["203.0.113.77", "SELECT * FROM a WHERE b = 'c'", "https://u:p@a.example/x?y=z#f", "postgresql"]
attributes = st.dictionaries(
    st.one_of(st.sampled_from(KEYS), texts), st.one_of(st.sampled_from(SAID + STATED), values), max_size=8
).filter(lambda given: len({spantext.name(key) for key in given}) == len(given))
counts = st.integers(0, 300)
times = st.one_of(st.none(), st.integers(0, 2**64 - 1))
states = st.lists(
    st.tuples(
        st.from_regex("[a-z][a-z0-9]{0,5}", fullmatch=True), st.from_regex("[a-z0-9]{1,5}", fullmatch=True)
    ),
    max_size=3,
).map(TraceState)
contexts = st.builds(
    SpanContext,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.integers(0, 255).map(TraceFlags),
    states,
)


def bounded(given: dict[str, Any], dropped: int) -> BoundedAttributes:
    """As the SDK has attributes, but with whatever a mapping of someone's own would let in."""
    made = BoundedAttributes()
    made._dict = given
    made.dropped = dropped
    return made


def listed(items: list[Any], dropped: int) -> Sequence[Any]:
    made = BoundedList.from_seq(None, items)
    made.dropped = dropped
    return made


held = st.builds(bounded, attributes, counts)
kept = st.one_of(held, attributes, st.none())
events = st.builds(Event, texts, kept, st.integers(0, 2**64 - 1))
RESOURCES = [
    Resource({}),
    Resource({"service.name": "shop", "a": ["b", "c"], "db.password": "x", "n": -1}, "https://example.com/1"),
    Resource({"service.name": "é" * 300}),
]
SCOPES = [
    None,
    InstrumentationScope("django_observe"),
    InstrumentationScope("opentelemetry.instrumentation.django", "1", "https://example.com/2"),
    InstrumentationScope(
        "opentelemetry.instrumentation.asgi", "", None, {"a": True, "b": [1.5, 2.5], "token": "t"}
    ),
    InstrumentationScope("opentelemetry.instrumentation.asgi", "", None, {"a": False}),
]
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.one_of(st.none(), contexts),
    resource=st.sampled_from(RESOURCES),
    attributes=kept,
    events=st.one_of(st.just(()), st.builds(listed, st.lists(events, max_size=3), counts)),
    links=st.one_of(
        st.just(()), st.builds(listed, st.lists(st.builds(Link, contexts, kept), max_size=3), counts)
    ),
    kind=st.sampled_from(SpanKind),
    status=st.builds(Status, st.sampled_from(StatusCode))
    | st.builds(Status, st.just(StatusCode.ERROR), texts),
    start_time=times,
    end_time=times,
    instrumentation_scope=st.sampled_from(SCOPES),
)


def reference(span: ReadableSpan) -> ReadableSpan:
    """A span cleaned in the plain way, for OpenTelemetry's encoder."""
    scope = span.instrumentation_scope
    status = span.status
    return ReadableSpan(
        name=spantext.name(span.name),
        context=span.context,
        parent=span.parent,
        resource=Resource(told(span.resource.attributes), span.resource.schema_url),
        attributes=bounded(told(of_people_and_path(span)), span.dropped_attributes),
        events=listed(
            [
                Event(
                    spantext.name(event.name),
                    bounded(told(event.attributes), event.dropped_attributes),
                    event.timestamp,
                )
                for event in span.events
            ],
            span.dropped_events,
        ),
        links=listed(
            [
                Link(link.context, bounded(told(link.attributes), link.dropped_attributes))
                for link in span.links
            ],
            span.dropped_links,
        ),
        kind=span.kind,
        status=Status(status.status_code, spantext.name(status.description))
        if status.description
        else status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=scope
        and InstrumentationScope(scope.name, scope.version, scope.schema_url, told(scope.attributes)),
    )


def of_people_and_path(span: ReadableSpan) -> dict[str, Any]:
    given = dict(span.attributes or {})
    shown = {
        key: value if key not in persons.PERSONAL else persons.told(key, value, span.kind)
        for key, value in given.items()
    }
    scope = span.instrumentation_scope
    path = given.get("url.path")
    if type(path) is str and not (scope and scope.name.startswith(_OURS)):
        shown["url.path"] = scrub_path(path, str(given.get("http.route", "")))
    return {key: value for key, value in shown.items() if value is not None or key not in persons.PERSONAL}


def told(given: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        spantext.name(key): surrogateless(spantext.told(key, value, given or {}))
        for key, value in (given or {}).items()
        if not key.startswith(spantext.PARAMETERS)
    }


def surrogateless(value: Any) -> Any:
    """An ID is told as it is, and may be none."""
    return value.encode("utf-8", "replace").decode() if type(value) is str else value


def parsed(body: bytes) -> str:
    """As text: NaN is not equal to itself."""
    return str(ExportTraceServiceRequest.FromString(body))


LONG_PATH = ReadableSpan(
    "GET",
    SpanContext(1, 2, False),
    attributes={"url.path": "/y" * 10_000},
    instrumentation_scope=InstrumentationScope("django_observe"),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(spans, max_size=4))
@example([LONG_PATH])
def test_spans_are_encoded_as_opentelemetry_does(batch: list[ReadableSpan]) -> None:
    theirs = encode_spans([reference(span) for span in batch])
    for _ in range(2):  # what is remembered the second time is the same
        ours = otlpspans.encode(batch)
        assert parsed(ours) == str(theirs)


TWINS = {
    "a lone surrogate": ("paid\ud800", "paid\ufffd"),
    "the other way": ("paid\ufffd", "paid\ud800"),
    "numbers of cards": ("4111111111111111", "4111 1111 1111 1111"),
    "long ones": ("x" * 5_000, "x" * 5_001),
}


@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
def test_two_names_that_cleaning_makes_equal_are_one_of_the_last_value(twins: tuple[str, str]) -> None:
    first, second = twins
    said = {"before": 0, first: 1, "between": 2, second: 3, "after": 4}
    span = ReadableSpan("twins", SpanContext(1, 2, False), attributes=said, events=[Event("e", said)])
    for _ in range(2):  # what is remembered the second time is the same
        request = ExportTraceServiceRequest.FromString(otlpspans.encode([span]))
        told = request.resource_spans[0].scope_spans[0].spans[0]
        for pairs in (told.attributes, told.events[0].attributes):
            assert [(pair.key, pair.value.int_value) for pair in pairs] == [
                ("before", 0),
                (spantext.name(first), 3),
                ("between", 2),
                ("after", 4),
            ]


plain_values = st.recursive(
    st.one_of(
        st.text(max_size=300),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.binary(max_size=300),
        st.none(),
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(plain_values)
def test_any_value_is_as_protobuf_has_it(value: Any) -> None:
    encoded = otlpwire.any_value(value)
    assert str(AnyValue.FromString(encoded)) == str(_encode_value(value))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, [2**64]])
def test_an_integer_beyond_64_bits_is_refused(value: Any) -> None:
    with pytest.raises(OverflowError):
        otlpwire.any_value(value)


@pytest.mark.parametrize("value", [object(), 1j, {1, 2}, type("Text", (str,), {})("a")])
def test_so_is_what_otlp_has_no_kind_of_value_for(value: Any) -> None:
    with pytest.raises(TypeError):
        otlpwire.any_value(value)


@pytest.mark.parametrize("time", [-1, 2**64, "now"])
def test_so_is_a_span_of_no_time(time: Any) -> None:
    timed = ReadableSpan("a", context=SpanContext(1, 1, is_remote=False), start_time=time)
    with pytest.raises(struct.error):
        otlpspans.encode([timed])


paths = st.lists(
    st.from_regex(
        r"[a-z0-9/]{0,12}|[0-9]{3,19}|4111111111111111|sk_live_[a-z]{12}|xoxb-[0-9]{10}|url|bot|xoxb|sk|services|token|bearer",
        fullmatch=True,
    ),
    max_size=6,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(paths.map("/".join).map("/{}".format))
def test_a_path_without_marks_holds_nothing_to_be_masked(path: str) -> None:
    if _HARMLESS.fullmatch(path):
        assert scrub_text(path, spantext.MAX_VALUE) == path


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=300))
def test_what_was_rejected_is_read_as_protobuf_reads_it(number: int, why: str) -> None:
    spans, logs = ExportTraceServiceResponse(), ExportLogsServiceResponse()
    spans.partial_success.rejected_spans = logs.partial_success.rejected_log_records = number
    spans.partial_success.error_message = logs.partial_success.error_message = why
    for answer in (spans, logs):
        assert otlphttp._rejected(answer.SerializeToString()) == max(number, 0)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=30))
def test_no_answer_makes_it_fail(answer: bytes) -> None:
    assert 0 <= otlphttp._rejected(answer) < 2**63


@pytest.mark.parametrize(
    ("answer", "rejected"),
    [
        (b"", 0),
        (b"\x0a\x00", 0),
        (b"\x0a\x02\x08\x05", 5),
        (b"\x15abcd\x19abcdefgh\x0a\x02\x08\x05", 5),  # after fields that nobody knows
        (b"\x0a\x02\x08", 0),  # breaks off
        (b"\x0a\x02\x08\x85", 0),
        (b"\x0a\x03\x0a\x01\x35", 0),  # a text in place of the number
        (b"\x08\x05", 0),
        (b"\x0b", 0),
    ],
)
def test_answers_of_all_kinds(answer: bytes, rejected: int) -> None:
    assert otlphttp._rejected(answer) == rejected


def sent(span: ReadableSpan) -> dict[str, Any]:
    """The attributes as a receiver reads them: each value's kind and what it is."""
    [request] = ExportTraceServiceRequest.FromString(otlpspans.encode([span])).resource_spans
    [found] = request.scope_spans[0].spans
    kinds = {pair.key: str(pair.value.WhichOneof("value")) for pair in found.attributes}
    return {pair.key: getattr(pair.value, kinds[pair.key]) for pair in found.attributes}


def span(given: dict[str, Any], kind: SpanKind = SpanKind.INTERNAL) -> ReadableSpan:
    return ReadableSpan("a", context=SpanContext(1, 1, is_remote=False), attributes=given, kind=kind)


def test_not_a_number_stays_one() -> None:
    assert math.isnan(sent(span({"n": math.nan}))["n"])


def test_what_is_equal_in_python_stays_apart() -> None:
    for value in (1, True, 1.0, 0, False, 0.0):
        found = sent(span({"n": value}))["n"]
        assert (found, type(found)) == (value, type(value))


def test_an_id_that_is_none_costs_one_character() -> None:
    assert sent(span({"correlation_id": "a\ud800z"})) == {"correlation_id": "a?z"}


def test_peers_of_a_client_are_servers() -> None:
    given = {"network.peer.address": "203.0.113.77", "network.peer.port": 5432}
    for _ in range(2):
        assert sent(span(given, SpanKind.CLIENT)) == given
        assert sent(span(given, SpanKind.SERVER)) == {"network.peer.address": "203.0.113.0"}


def test_texts_of_all_lengths() -> None:
    for size in range(400):
        assert sent(span({"a" * size: "b" * size})) == {"a" * size: "b" * size}
        assert sent(span({"correlation_id": "b" * size})) == {"correlation_id": "b" * size}
