"""When the attributes of a server span are made: late and rarely, unless somebody looks at them earlier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, TextMapPropagator, default_getter
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from django_observe import serverspan, traces
from django_observe.middleware import ObserveMiddleware
from django_observe.onlookers import Onlookers
from django_observe.provider import Departure
from django_observe.serverspan import ServerSpans
from django_observe.tracer import Provider

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept(list[ReadableSpan]):
    """Spans, in place of the pipeline to an exporter."""

    def offer(self, span: ReadableSpan, size: int = 0) -> None:
        self.append(span)


class Watching(SpanProcessor):
    """One of a project's own, that looks at spans when they start."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.told.append(dict(span.attributes or {}))


class Curious(Sampler):
    """One of a project's own, that decides by what a span says at its start."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def should_sample(  # noqa: PLR0917 - OpenTelemetry's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        self.told.append(dict(attributes or {}))
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return "Curious"


def served(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = ServerSpans()
    spans._tracer = provider.get_tracer("test")
    monkeypatch.setattr(traces, "_begin", spans.begin)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    headers = {
        "User-Agent": BROWSER,
        "Host": "testserver",
        "traceparent": PARENT,
        "X-Correlation-ID": "a" * 9,
    }
    ObserveMiddleware(view)(RequestFactory(headers=headers).get("/orders/17/?q=1", REMOTE_PORT="51000"))


@override_settings(DJANGO_OBSERVE={"CLIENT_IP": "address", "USER_AGENT": True})
def test_a_span_that_nobody_looks_into_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, exporter = Kept(), InMemorySpanExporter()
    alone = Provider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    alone.add_span_processor(Departure(cast("Any", kept)))
    plain = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    plain.add_span_processor(SimpleSpanProcessor(exporter))
    for provider in (alone, plain):
        served(provider, monkeypatch)

    (ours,), (others,) = kept, exporter.get_finished_spans()
    assert dict(ours.attributes or {}) == dict(others.attributes or {})
    assert (ours.name, ours.kind, ours.parent) == (others.name, others.kind, others.parent)
    assert (ours.attributes or {})["url.path"] == "/orders/17/"


def test_a_request_that_is_not_sampled_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def attributes_of(*_: object) -> dict[str, Any]:
        made.append("attributes")
        return {}

    monkeypatch.setattr(serverspan, "attributes_of", attributes_of)
    for sampler, expected in ((ALWAYS_OFF, 0), (ALWAYS_ON, 1)):
        provider = Provider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(Departure(cast("Any", Kept())))
        served(provider, monkeypatch)
        assert len(made) == expected


def test_a_projects_own_sampler_and_processor_see_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, processor = Curious(), Watching()
    served(Provider(sampler=sampler, shutdown_on_exit=False), monkeypatch)
    watched = Provider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    watched.add_span_processor(Departure(cast("Any", Kept())))
    watched.add_span_processor(processor)
    served(watched, monkeypatch)

    for (told,) in (sampler.told, processor.told):
        assert {"http.request.method", "url.scheme", "url.query", "server.address"} <= told.keys()
        assert told["url.path"] == "/orders/17/"


@pytest.mark.parametrize(
    "sampler", [DEFAULT_ON, DEFAULT_OFF, ALWAYS_ON, TraceIdRatioBased(0.5), ParentBasedTraceIdRatio(0.1)]
)
def test_the_sdks_own_samplers_look_at_none(sampler: Sampler) -> None:
    onlookers = Onlookers()
    alone = Provider(sampler=sampler, shutdown_on_exit=False)
    alone.add_span_processor(Departure(cast("Any", Kept())))
    assert not onlookers.has(alone.get_tracer("test"))
    assert onlookers.has(TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("test"))
    assert not onlookers.has(alone.get_tracer("test"))
    alone.add_span_processor(Watching())
    assert onlookers.has(alone.get_tracer("test"))


def test_a_sampler_of_the_projects_own_may_look_at_children_alone() -> None:
    provider = Provider(
        sampler=ParentBased(ALWAYS_ON, local_parent_sampled=Curious()), shutdown_on_exit=False
    )
    provider.add_span_processor(Departure(cast("Any", Kept())))
    assert Onlookers().has(provider.get_tracer("test"))


class OneHeader(TextMapPropagator):
    """Reads the trace from a header of another name, as B3's does."""

    @property
    def fields(self) -> set[str]:
        return {"b3"}

    def extract(
        self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter
    ) -> Context:
        return _inner.extract({"traceparent": (getter.get(carrier, "b3") or [""])[0]}, context)

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        """Nothing is sent."""


_inner = TraceContextTextMapPropagator()


def test_a_propagator_that_is_set_at_run_time_is_asked() -> None:
    spans, request = ServerSpans(), RequestFactory().get("/", headers={"b3": PARENT})
    before = propagate.get_global_textmap()
    try:
        propagate.set_global_textmap(OneHeader())
        begun = spans.begin(request, trusted=True)
    finally:
        propagate.set_global_textmap(before)
    assert begun is not None
    assert begun.trace.trace_id == PARENT[3:35]
