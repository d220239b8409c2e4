"""The provider of lean tracers: who is given what, what can be switched off, an SDK that is another."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON, ParentBased
from opentelemetry.trace import SpanContext, StatusCode

from django_observe import spansize
from django_observe.provider import Departure
from django_observe.span import LeanSpan, Reader
from django_observe.tracer import LeanTracer, Provider


def provider_with(*processors: SpanProcessor, kind: type[TracerProvider] = Provider) -> TracerProvider:
    made = kind(ALWAYS_ON, Resource.get_empty(), shutdown_on_exit=False)
    for each in processors:
        made.add_span_processor(each)
    return made


class Given(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class Kept(list[ReadableSpan]):
    """In place of a pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def offer(self, span: ReadableSpan, size: int = 0) -> None:
        self.append(span)
        self.sizes.append(size)


class GivenToReader(Given, Reader):
    pass


def test_a_reader_alone_is_given_the_span_and_beside_others_a_copy() -> None:
    alone, beside, other = GivenToReader(), GivenToReader(), Given()
    for processors in ((alone,), (beside, other), (other,)):
        provider_with(*processors).get_tracer("shop").start_span("a").end()
    assert [type(each) for each in alone.spans] == [LeanSpan]
    assert [type(each) for each in beside.spans + other.spans] == [ReadableSpan] * 3


@pytest.mark.parametrize("name", [None, 7, object()], ids=["None", "a number", "an object"])
def test_a_name_that_is_no_text_does_not_raise_into_the_application(name: Any) -> None:
    kept = Kept()
    tracer = provider_with(Departure(cast("Any", kept))).get_tracer("shop")
    with tracer.start_as_current_span(name):
        pass
    span = tracer.start_span("named")
    span.update_name(name)
    span.end()
    assert len(kept) == 2


def test_a_processor_that_is_added_later_is_given_copies_of_spans_that_are_open() -> None:
    first, later = GivenToReader(), Given()
    made = provider_with(first)
    span = made.get_tracer("shop").start_span("a")
    made.add_span_processor(later)
    span.end()
    assert [type(each) for each in first.spans + later.spans] == [ReadableSpan] * 2


def test_tracers_are_the_providers_own_and_can_be_switched_off() -> None:
    made = provider_with()
    shop = made.get_tracer("shop")
    assert made.get_tracer("shop") is shop
    assert isinstance(shop, LeanTracer)
    assert isinstance(shop.start_span("a"), LeanSpan)
    made._set_tracer_configurator(tracer_configurator=sdk._disable_tracer_configurator)
    assert not shop.start_span("a").is_recording()
    made._update_resource(Resource({"process.pid": 1}))
    assert shop.resource.attributes["process.pid"] == 1


def test_a_disabled_sdk_makes_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert isinstance(provider_with().get_tracer("shop"), trace.NoOpTracer)


def test_the_sdks_own_metrics_count_lean_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    made = Provider(
        ALWAYS_ON,
        Resource.get_empty(),
        shutdown_on_exit=False,
        meter_provider=MeterProvider([reader], Resource.get_empty(), shutdown_on_exit=False),
    )
    shop = made.get_tracer("shop")
    around = trace.set_span_in_context(shop.start_span("open"))
    shop.start_span("child", around).end()
    shop.start_span("ended").end()
    data = reader.get_metrics_data()
    assert data is not None
    points = {
        (metric.name, dict(point.attributes or {}).get("otel.span.parent.origin")): point.value  # type: ignore[union-attr]
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
    }
    started = "otel.sdk.span.started"
    assert points == {(started, "none"): 2, (started, "local"): 1, ("otel.sdk.span.live", None): 1}


def test_attributes_that_many_threads_set_are_all_there() -> None:
    span = provider_with().get_tracer("shop").start_span("a")

    def fill(thread: int) -> None:
        for number in range(12):
            span.set_attribute(f"{thread}.{number}", number)
            span.add_event(f"{thread}.{number}")

    threads = [Thread(target=fill, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert isinstance(span, ReadableSpan)
    assert span.attributes is not None
    assert (len(span.attributes), len(span.events)) == (96, 96)


def test_a_span_knows_its_size_while_it_is_a_usual_one() -> None:
    shop = provider_with(GivenToReader()).get_tracer("shop")

    def started() -> LeanSpan:
        span = shop.start_span(
            "a name", attributes={"text": "abc", "wide": "\N{SNOWMAN}" * 9, "number": 2**70}
        )
        assert isinstance(span, LeanSpan)
        span.set_attribute("one", 1.5)
        span.set_attributes({"two": None, "three": True})
        return span

    assert abs(started().size - spansize.size_of(started())) < 6 * 40
    again = started()
    again.set_attribute("text", "x" * 1_000)
    again.set_attribute("text", "")
    assert 900 < again.size - spansize.size_of(again) < 1_300, "what was replaced counts on"


@pytest.mark.parametrize(
    "make",
    [
        lambda span: span.set_attribute("list", ["x" * 100_000]),
        lambda span: span.set_attributes({"list": ["x" * 100_000]}),
        lambda span: span.add_event("event", {"text": "x" * 100_000}),
        lambda span: span.add_link(SpanContext(1, 1, is_remote=True), {"text": "x" * 100_000}),
        lambda span: span.set_status(StatusCode.ERROR, "x" * 100_000),
        lambda span: [span.set_attribute(f"{key}", "x" * 1_000) for key in range(100)],
        lambda span: span.update_name("x" * 100_000),
    ],
)
def test_a_span_that_is_not_is_weighed_and_cut_before_it_is_queued(make: Callable[[Span], None]) -> None:
    kept = Kept()
    shop = provider_with(Departure(cast("Any", kept))).get_tracer("shop")
    for change in (lambda _: None, make):
        span = shop.start_span("a")
        assert isinstance(span, LeanSpan)
        change(span)
        span.end()
    assert [type(each) for each in kept] == [LeanSpan, ReadableSpan]
    assert max(kept.sizes) <= spansize.MAX_SPAN
    assert kept.sizes == [spansize.size_of(each) for each in kept]


def gains_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Span.__init__

    def made(self: Span, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self._novelty = True  # type: ignore[attr-defined]

    monkeypatch.setattr(Span, "__init__", made)


def renames_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Span._add_event
    monkeypatch.delattr(Span, "_add_event")
    monkeypatch.setattr(Span, "add_event", lambda self, name, *_: add(self, sdk.Event(name)))


def takes_another_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Tracer.start_span

    def start_span(self: Tracer, name: str, *arguments: Any, novelty: int = 0, **named: Any) -> Any:
        return start(self, name, *arguments, **named)

    monkeypatch.setattr(Tracer, "start_span", start_span)


def renames_what_a_sampler_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(DEFAULT_ON, "_root")
    monkeypatch.setattr(ParentBased, "should_sample", ALWAYS_ON.should_sample)


@pytest.mark.parametrize(
    "change", [gains_a_field, renames_a_method, takes_another_argument, renames_what_a_sampler_knows]
)
def test_an_sdk_that_is_another_makes_its_own_spans(
    change: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change(monkeypatch)
    given = GivenToReader()
    made = provider_with(given)
    for name in ("shop", "till"):
        plain = made.get_tracer(name)
        assert type(plain) is Tracer
        plain.start_span(name).end()
    assert [each.name for each in given.spans] == ["shop", "till"]
    assert not [each for each in given.spans if isinstance(each, LeanSpan)]
    assert capfd.readouterr().err.count("is not known") == 1
