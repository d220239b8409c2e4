"""Publishing and running tasks in one process: IDs that nest, spans that end, headers that are left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, Task, signals
from celery.app.task import Context as TaskRequest
from celery.beat import Scheduler
from celery.exceptions import OperationalError
from celery.schedules import schedule
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from opentelemetry import context as opentelemetry_context
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN, StatusCode, get_current_span, get_tracer

from demo_services.ports import free_port
from django_observe import (
    brokertraffic,
    conf,
    correlated,
    correlation,
    correlation_id,
    messages,
    reporting,
    tally,
    taskdelivery,
    taskevents,
    taskheaders,
    taskspans,
    tasktrace,
)
from django_observe import celery as edge
from django_observe.records import Record, TaskEvent, TaskRun
from django_observe.taskinstrumentor import TaskInstrumentor

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ID = "order-4711.retry_2"
OWN = "0af7651916cd43dd8448eb211c80319c"

upstream: Any = CeleryInstrumentor  # its methods are not typed
eager = Celery("eager", broker="memory://", backend="cache+memory://", set_as_current=False)
eager.conf.update(task_always_eager=True, task_eager_propagates=False)


def where() -> dict[str, Any]:
    return {"id": correlation_id(), "span": f"{get_current_span().get_span_context().span_id:016x}"}


@eager.task(name="inner")
def inner() -> dict[str, Any]:
    return where()


@eager.task(name="outer")
def outer() -> list[dict[str, Any]]:
    return [where(), inner.delay().result, inner(), where()]


@eager.task(name="stubborn", bind=True, max_retries=2)
def stubborn(self: Task[Any, Any]) -> int:
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@eager.task(name="boom")
def boom() -> None:
    raise ValueError("no such order")


def view(request: HttpRequest) -> JsonResponse:
    before = where()
    return JsonResponse([before, *outer.delay().get(), stubborn.delay().get(), where()], safe=False)


urlpatterns = [path("eager/", view)]


@pytest.fixture
def told() -> Iterator[list[Record]]:
    records: list[Record] = []

    def reporter(record: Record) -> None:
        records.append(record)

    before = reporting.reporters()
    reporting.set_reporters((reporter,))
    yield records
    reporting.set_reporters(before)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Task spans switched on, into memory."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    taskspans.install(enabled=True)
    taskspans.install(enabled=False)
    upstream().instrument(tracer_provider=provider)
    yield memory
    upstream().uninstrument()


@pytest.fixture
def app() -> Iterator[Celery]:
    """An app with a broker in memory."""
    made = Celery("publisher", broker="memory://", set_as_current=False)
    yield made
    with made.connection_for_write() as connection:
        made.amqp.queues["celery"](connection.default_channel).purge()


def message(app: Celery) -> Any:
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        received = queue.get(timeout=5)
        received.ack()
        return received


def runs(told: list[Record]) -> list[TaskRun]:
    return [record for record in told if isinstance(record, TaskRun)]


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def test_eager_tasks_run_under_the_requests_id_and_leave_it_in_place(
    client: Client, told: list[Record]
) -> None:
    response = client.get("/eager/", headers={"X-Correlation-ID": ID})
    before, *inside, retries, after = response.json()
    assert {each["id"] for each in (before, *inside, after)} == {ID}
    assert retries == 2
    assert response.headers["X-Correlation-ID"] == ID
    assert correlation_id() is None


def test_eager_spans_nest_and_every_one_ends(
    client: Client, told: list[Record], exporter: InMemorySpanExporter
) -> None:
    before, *inside, _, after = client.get("/eager/").json()
    assert before["span"] == after["span"]
    assert inside[0]["span"] == inside[2]["span"] == inside[3]["span"]
    assert len({each["span"] for each in inside}) == 2
    assert [len(named(exporter, f"run/{name}")) for name in ("outer", "inner", "stubborn")] == [1, 1, 3]
    assert get_current_span() is INVALID_SPAN


def test_each_eager_run_is_told_once_with_its_attempt(told: list[Record]) -> None:
    assert stubborn.delay().get() == 2
    outcomes = sorted((run.attempt, run.state) for run in runs(told))
    assert outcomes == [(1, "RETRY"), (2, "RETRY"), (3, "SUCCESS")]
    assert {run.failure for run in runs(told)} == {None}
    started = [record for record in told if isinstance(record, TaskEvent) and record.state == "STARTED"]
    assert len(started) == 3


def test_a_failure_is_told_with_its_error(told: list[Record], exporter: InMemorySpanExporter) -> None:
    boom.delay()
    [run] = runs(told)
    assert (run.task, run.state, run.attempt, run.queue) == ("boom", "FAILURE", 1, "unknown")
    assert run.failure is not None
    assert (run.failure.type, run.failure.message) == ("ValueError", "no such order")
    [span] = named(exporter, "run/boom")
    assert span.status.status_code is StatusCode.ERROR


def test_an_interrupted_run_is_told_as_a_failure(told: list[Record]) -> None:
    @eager.task(name="interrupted", shared=False)
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted.delay()
    assert [(run.state, run.failure.type) for run in runs(told) if run.failure] == [
        ("FAILURE", "KeyboardInterrupt")
    ]
    assert (correlation_id(), tally.current()) == (None, None)


def test_a_run_that_leaves_a_context_behind_is_told_with_its_span(exporter: InMemorySpanExporter) -> None:
    @eager.task(name="messy", shared=False)
    def messy() -> None:
        opentelemetry_context.attach(opentelemetry_context.Context())

    told: list[Any] = []

    def reporter(_: Record) -> None:
        told.append(get_current_span().get_span_context())

    before = opentelemetry_context.get_current(), reporting.reporters()
    reporting.set_reporters((reporter,))
    messy.delay()
    reporting.set_reporters(before[1])
    [span] = named(exporter, "run/messy")
    assert told == [span.context] * 2
    assert opentelemetry_context.get_current() == before[0]
    assert (correlation_id(), tally.current()) == (None, None)


def test_a_run_that_cannot_be_bound_ends_its_span_and_leaves_nothing(
    told: list[Record], exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a fault of ours")

    before = opentelemetry_context.get_current()
    monkeypatch.setattr(correlation, "chosen", broken)
    assert inner.delay().get()["id"] is None
    monkeypatch.undo()
    assert opentelemetry_context.get_current() == before
    assert len(named(exporter, "run/inner")) == 1
    assert taskheaders.received() is None
    inner.delay()
    assert [run.state for run in runs(told)] == ["SUCCESS"]


def test_a_nonsensical_time_of_the_publish_costs_nothing_else(told: list[Record]) -> None:
    headers: Any = {"X-Correlation-ID": ID, "x_published_at": 10**400}
    assert inner.apply(headers=headers).get()["id"] == ID
    assert [(run.correlation_id, run.queue_wait_seconds) for run in runs(told)] == [(ID, None)]


def test_a_run_without_an_id_takes_its_traces(told: list[Record], exporter: InMemorySpanExporter) -> None:
    result = inner.delay().get()
    [span] = named(exporter, "run/inner")
    assert span.context is not None
    assert result["id"] == f"{span.context.trace_id:032x}"
    assert runs(told)[0].trace is not None


def test_each_run_has_a_tally_of_its_own(told: list[Record]) -> None:
    work = tally.Tally()
    token = tally.bind(work)
    try:

        @eager.task(name="asks", shared=False)
        def asks() -> None:
            current = tally.current()
            assert current is not None
            current.add_query("SELECT 1", 0.5)

        asks.delay().get()
        assert tally.current() is work
    finally:
        tally.reset(token)
    assert runs(told)[0].queries.count == 1
    assert work.queries().count == 0


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_message_carries_the_id_and_its_time(app: Celery, told: list[Record], protocol: int) -> None:
    app.conf.task_protocol = protocol
    with correlated(ID):
        sent = app.send_task("elsewhere.known")
    headers = message(app).headers
    assert headers["x-correlation-id"] == ID
    assert abs(time.time() - float(headers["x_published_at"])) < 10
    assert "traceparent" not in headers
    event = TaskEvent(task="elsewhere.known", task_id=sent.id, queue="celery", state="SENT")
    assert told == [event]


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_task_nobody_here_knows_has_a_span_as_long_as_its_publish(
    app: Celery, told: list[Record], exporter: InMemorySpanExporter, protocol: int
) -> None:
    app.conf.task_protocol = protocol
    during: list[Any] = []

    def watch(**_: Any) -> None:
        during.append((get_current_span().is_recording(), get_current_span().get_span_context()))

    signals.after_task_publish.connect(watch)
    sent = app.send_task("elsewhere.known")
    signals.after_task_publish.disconnect(watch)
    [span] = named(exporter, "apply_async/elsewhere.known")
    assert during == [(True, span.context)]
    assert span.attributes is not None
    assert span.attributes["messaging.message.id"] == sent.id
    assert span.context is not None
    headers = message(app).headers
    assert headers["traceparent"].split("-")[1:3] == [
        f"{span.context.trace_id:032x}",
        f"{span.context.span_id:016x}",
    ]
    assert headers["x-correlation-id"] == f"{span.context.trace_id:032x}" == span.attributes["correlation_id"]


def test_what_the_publisher_set_stays(
    app: Celery, told: list[Record], exporter: InMemorySpanExporter
) -> None:
    own = {
        "X-Correlation-ID": "the-publishers-own",
        "traceparent": f"00-{OWN}-b7ad6b7169203331-01",
        "shop": "basel",
    }
    with correlated(ID):
        app.send_task("elsewhere.known", headers=own)
    headers = message(app).headers
    assert {name: headers[name] for name in own} == own
    assert "x-correlation-id" not in headers


def test_outside_of_any_request_each_publish_has_a_new_id(app: Celery, told: list[Record]) -> None:
    app.send_task("elsewhere.known")
    app.send_task("elsewhere.known")
    first, second = (message(app).headers["x-correlation-id"] for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second


def test_the_header_is_named_as_the_settings_say(app: Celery, told: list[Record]) -> None:
    with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": "X-Shop-ID"}), correlated(ID):
        app.send_task("elsewhere.known")
        headers = message(app).headers
        assert headers["x-shop-id"] == ID
        assert messages.received(taskheaders.read(headers))[0] == ID


def test_publishes_that_fail_leave_nothing_behind(told: list[Record], exporter: InMemorySpanExporter) -> None:
    broken = Celery("broken", broker=f"amqp://127.0.0.1:{free_port()}//", set_as_current=False)
    broken.conf.broker_transport_options = {"max_retries": 0}
    before = opentelemetry_context.get_current()
    for _ in range(1_000):
        with pytest.raises(OperationalError):
            broken.send_task("elsewhere.known", retry=False, ignore_result=True)
    assert opentelemetry_context.get_current() == before
    assert get_current_span() is INVALID_SPAN
    spans = named(exporter, "apply_async/elsewhere.known")
    assert len(spans) == 1_000
    assert {span.parent for span in spans} == {None}
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}
    assert {span.events[0].name for span in spans} == {"exception"}
    assert told == []


def test_a_failed_publish_inside_a_span_gives_it_back(
    told: list[Record], exporter: InMemorySpanExporter
) -> None:
    broken = Celery("broken", broker=f"amqp://127.0.0.1:{free_port()}//", set_as_current=False)
    broken.conf.broker_transport_options = {"max_retries": 0}
    tracer = get_tracer("test", tracer_provider=TracerProvider(shutdown_on_exit=False))
    with tracer.start_as_current_span("request") as span:
        with pytest.raises(OperationalError):
            broken.send_task("elsewhere.known", retry=False, ignore_result=True)
        assert get_current_span() is span


def test_a_fault_of_ours_stops_neither_publish_nor_run(
    app: Celery, told: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(taskheaders, "write", broken)
    monkeypatch.setattr(taskheaders, "read", broken)
    before = reporting.failures().get("celery", 0)
    app.send_task("elsewhere.known")
    assert inner.delay().get()["id"] is None
    assert reporting.failures()["celery"] == before + 2
    message(app)


def test_installing_again_connects_nothing_twice(told: list[Record]) -> None:
    for _ in range(3):
        edge.install()
    inner.delay()
    assert len(runs(told)) == 1


def test_instrumenting_elsewhere_makes_no_second_span(
    told: list[Record], exporter: InMemorySpanExporter
) -> None:
    upstream().instrument()
    inner.delay()
    assert len(named(exporter, "run/inner")) == 1


def test_an_instrumentation_of_the_projects_own_is_gone_on_for(
    monkeypatch: pytest.MonkeyPatch, told: list[Record]
) -> None:
    """By its provider, whatever TRACES says of ours; and the context after a task is that before it."""
    monkeypatch.setattr(CeleryInstrumentor, "_instance", None)
    monkeypatch.setattr(TaskInstrumentor, "_instance", None)
    monkeypatch.setattr(taskspans, "_instrumentor", None)
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    upstream().instrument(tracer_provider=provider)
    try:
        taskspans.install(enabled=False)
        with override_settings(DJANGO_OBSERVE={"TRACES": False}):
            inner.delay()
        assert len(named(memory, "run/inner")) == 1
        assert get_current_span() is INVALID_SPAN
    finally:
        upstream().uninstrument()


def test_spans_can_be_switched_off_and_on() -> None:
    for enabled in (True, True, False, False):
        taskspans.install(enabled=enabled)
        assert upstream().is_instrumented_by_opentelemetry is enabled


def test_tracing_that_is_overridden_makes_no_spans(
    app: Celery, told: list[Record], exporter: InMemorySpanExporter
) -> None:
    with override_settings(DJANGO_OBSERVE={"TRACES": False}):
        reporting.set_reporters((told.append,))
        inner.delay()
        app.send_task("elsewhere.known")
    assert exporter.get_finished_spans() == ()
    assert [run.task for run in runs(told)] == ["inner"]


def test_celery_that_is_overridden_is_not_observed(app: Celery, told: list[Record]) -> None:
    with override_settings(DJANGO_OBSERVE={"CELERY": False}):
        reporting.set_reporters((told.append,))
        assert inner.delay().get()["id"] is None
        app.send_task("elsewhere.known")
        taskevents._will_not_run(task="inner", task_id="1", state="REVOKED")
    assert told == []
    assert not {"x-correlation-id", "x_published_at"} & set(message(app).headers)


@pytest.mark.parametrize(
    ("published", "eta", "seconds"),
    [
        ("1000.000000", None, 10.0),
        ("1000.000000", "1970-01-01T00:16:45+00:00", 5.0),
        ("1000.000000", "1970-01-01T00:16:45", 5.0),
        ("1000.000000", "1969-01-01T00:00:00+00:00", 10.0),
        ("1000.000000", "soon", 10.0),
        ("2000.000000", None, 0.0),
        ("nan", None, None),
        ("inf", None, None),
        ("yesterday", None, None),
        ("-2592000", None, None),
        ("-1e300", None, None),
        ("-1e300", "1970-01-01T00:16:45+00:00", 5.0),
        ("1e300", None, None),
        pytest.param(10**400, None, None, id="beyond a float"),
        (None, None, None),
        ([], None, None),
    ],
)
def test_the_wait_is_from_the_publish_or_the_eta(published: Any, eta: Any, seconds: float | None) -> None:
    assert taskdelivery.waited({"x_published_at": published}, eta, 1010.0) == seconds


@pytest.mark.parametrize(
    ("published", "started", "seconds"),
    [
        ("1000.000000", 1010.0, None),
        ("1010.009", 1010.0, None),
        ("1e300", 1010.0, None),
        ("1012.500000", 1010.0, 2.5),
        (None, 1, None),
    ],
)
def test_a_publish_in_the_future_is_marked(published: Any, started: float, seconds: float | None) -> None:
    assert taskdelivery.skew({"x_published_at": published}, started) == seconds


SOON, LATE = "1970-01-01T00:31:40+00:00", "1970-01-01T00:31:41+00:00"
NAMED = {"shop.tasks.nightly": "new", "reports.*": "link", "reports.daily": "child", "shop.*": "child"}


@pytest.mark.parametrize(
    ("chosen", "task", "eta", "relation"),
    [
        ("child", "shop.bill", None, "child"),
        ("child", "shop.bill", SOON, "child"),
        ("child", "shop.bill", LATE, "link"),
        ("link", "shop.bill", None, "link"),
        ("new", "shop.bill", LATE, "new"),
        (NAMED, "shop.tasks.nightly", LATE, "new"),
        (NAMED, "reports.weekly", None, "link"),
        (NAMED, "reports.daily", None, "child"),
        (NAMED, "shop.bill", LATE, "child"),
        (NAMED, "elsewhere", None, "child"),
        (NAMED, "elsewhere", LATE, "link"),
        ({"*": "child"}, "elsewhere", LATE, "child"),
    ],
)
def test_a_runs_span_is_to_its_publishers_what_the_setting_says(
    chosen: Any, task: str, eta: str | None, relation: str
) -> None:
    headers = {"x_published_at": "1000.000000"}
    with override_settings(DJANGO_OBSERVE={"TASK_TRACE": chosen}):
        assert tasktrace.relation(task, headers, eta, eager=False) == relation
        assert tasktrace.relation(task, headers, eta, eager=True) == "child"


def test_without_the_time_of_its_publish_a_run_is_a_child() -> None:
    assert tasktrace.relation("shop.bill", {}, LATE, eager=False) == "child"


@pytest.mark.parametrize("relation", ["child", "link", "new"])
def test_a_run_begins_its_span_in_that_relation(exporter: InMemorySpanExporter, relation: str) -> None:
    request = TaskRequest(traceparent=f"00-{OWN}-b7ad6b7169203331-01", id="1", retries=3)
    run: Any = SimpleNamespace(name="shop.bill", request=request, throws=())
    span = taskspans.running(run, relation, {}, None)
    assert span is not None
    taskspans.ran(span, None)
    [ended] = named(exporter, "run/shop.bill")
    assert ended.context is not None
    assert ended.attributes is not None
    assert ended.attributes["celery.retries"] == 3
    trace_id = f"{ended.context.trace_id:032x}"
    linked = [f"{link.context.trace_id:032x}" for link in ended.links]
    assert (trace_id == OWN, ended.parent is not None, linked) == {
        "child": (True, True, []),
        "link": (False, False, [OWN]),
        "new": (False, False, []),
    }[relation]
    assert get_current_span() is INVALID_SPAN


@pytest.mark.parametrize(
    ("chosen", "remedy"),
    [
        ("sibling", "Choose one for all tasks, or one for each name or pattern."),
        ({"reports.*": "sibling"}, "Choose one of the three for 'reports.*', not 'sibling'."),
        ({7: "link"}, "7 is neither a task's name nor a pattern."),
    ],
)
def test_another_relation_is_refused(chosen: Any, remedy: str) -> None:
    with (
        pytest.raises(ImproperlyConfigured) as fault,
        override_settings(DJANGO_OBSERVE={"TASK_TRACE": chosen}),
    ):
        conf.settings()
    assert f"DJANGO_OBSERVE['TASK_TRACE'] is {chosen!r}; accepted is 'child', 'link' or 'new'" in str(
        fault.value
    )
    assert str(fault.value).endswith(remedy)


@pytest.mark.parametrize("traced", [True, False])
def test_what_is_done_for_a_lost_task_is_traced_where_the_task_is(traced: bool) -> None:
    headers = {"traceparent": f"00-{OWN}-b7ad6b7169203331-01"} if traced else {}

    def lose() -> None:
        brokertraffic.mute()
        with taskevents._under_its_id(headers):
            muted = opentelemetry_context.get_value(opentelemetry_context._SUPPRESS_INSTRUMENTATION_KEY)
            assert bool(muted) is not traced
            assert (correlation_id() == OWN) is traced
        assert correlation_id() is None

    copy_context().run(lose)


def test_a_fault_of_ours_in_the_main_process_does_not_reach_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(messages, "received", broken)
    before = reporting.failures().get("celery", 0)
    with taskevents._under_its_id({"x-correlation-id": ID}):
        assert correlation_id() is None
    assert taskheaders.received() is None
    assert reporting.failures()["celery"] == before + 1


def test_each_tick_of_beat_has_an_id_of_its_own_and_names_its_schedule(
    app: Celery, told: list[Record], exporter: InMemorySpanExporter
) -> None:
    edge.on_beat_starts()
    edge.on_beat_starts()
    scheduler = Scheduler(app, lazy=True)
    entry = scheduler.Entry(name="every night", task="elsewhere.known", schedule=schedule(60), app=app)
    tracer = get_tracer("test", tracer_provider=TracerProvider(shutdown_on_exit=False))
    with correlated(ID), tracer.start_as_current_span("manage.py") as span:
        for _ in range(2):
            scheduler.apply_async(entry, advance=False)
        assert (correlation_id(), get_current_span()) == (ID, span)
    first, second = (message(app).headers for _ in range(2))
    assert first["x_schedule"] == second["x_schedule"] == "every night"
    ids = {first["x-correlation-id"], second["x-correlation-id"]}
    traces = {f"{each.context.trace_id:032x}" for each in exporter.get_finished_spans() if each.context}
    attributes = [each.attributes or {} for each in exporter.get_finished_spans()]
    assert [each["celery.schedule"] for each in attributes] == ["every night"] * 2
    assert len(ids) == 2
    assert ids == traces
    app.send_task("elsewhere.known")
    assert "x_schedule" not in message(app).headers


def test_a_runs_schedule_is_told_whoevers_beat_it_was() -> None:
    ours = taskdelivery.of({"x_schedule": "every night"}, None, 1, None, None)
    theirs = taskdelivery.of({}, None, 1, None, {"periodic_task_name": "every day"})
    nobodys = taskdelivery.of({}, None, 1, {"redelivered": True}, {"periodic_task_name": None})
    assert [each["schedule"] for each in (ours, theirs, nobodys)] == ["every night", "every day", None]
    assert [each["redelivered"] for each in (ours, theirs, nobodys)] == [False, False, True]
