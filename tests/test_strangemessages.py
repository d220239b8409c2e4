"""Messages that no publisher of Celery's makes: runs are told all the same, what is rejected keeps its ID."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from kombu import Exchange
from kombu.message import Message
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_observe import correlation_id, taskattributes, taskevents, taskheaders, taskrun, taskspans
from django_observe.records import UnrunTask
from django_observe.testing import Captured

ID = "order-4711.retry_2"
ORDINARY: dict[str, Any] = {
    "id": "1",
    "task": "strange.tell",
    "retries": 0,
    "timelimit": [None, None],
    "hostname": "worker@shop",
    "delivery_info": {"routing_key": "mail"},
    "properties": {},
    "x-correlation-id": ID,
    "x_published_at": "1000.5",
}
JSON: tuple[Any, ...] = (None, True, 5, 10**400, 1.5, "", "soon", "9" * 5_000, "\ud800", [], ["task"], [[1]])
JSON = (*JSON, [None], {}, {"task": [{}]})

upstream: Any = CeleryInstrumentor  # its methods are not typed
app = Celery("strange", broker="memory://", set_as_current=False)


@app.task(name="strange.tell", ignore_result=True)
def tell() -> None:
    """Nothing."""


@pytest.fixture
def run() -> Iterator[Callable[..., list[ReadableSpan]]]:
    """Runs `tell` as a worker does that has received an ordinary message but for what is given."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    taskspans.install(enabled=True)
    taskspans.install(enabled=False)
    upstream().instrument(tracer_provider=provider)
    tracer = build_tracer(tell.name, app.tasks[tell.name], app=app)

    def receive(**strange: Any) -> list[ReadableSpan]:
        tracer("1", [], {}, ORDINARY | strange)
        return list(memory.get_finished_spans())

    yield receive
    upstream().uninstrument()


@pytest.mark.parametrize("value", JSON, ids=lambda value: ascii(value)[:12])
@pytest.mark.parametrize(
    "field",
    ["headers", "retries", "timelimit", "declare", "eta", "traceparent", "x_published_at", "x_schedule"],
)
def test_a_run_is_told_whatever_its_message_says(
    run: Callable[..., list[ReadableSpan]], captured: Captured, field: str, value: Any
) -> None:
    [span] = run(**{field: value})
    assert [(told.correlation_id, told.state) for told in captured.tasks()] == [(ID, "SUCCESS")]
    assert [line["correlation_id"] for line in captured.lines if line.get("event") == "task"] == [ID]
    assert captured.sample("celery_task_succeeded_total", name=tell.name, queue_name="mail") == 1
    assert (span.attributes or {})["celery.state"] == "SUCCESS"


@pytest.mark.parametrize("key", [None, "", 7, ["mail"], {"mail": 1}], ids=repr)
def test_a_routing_key_that_is_no_text_is_no_queue(
    run: Callable[..., list[ReadableSpan]], captured: Captured, key: Any
) -> None:
    run(delivery_info={"routing_key": key})
    assert [told.queue for told in captured.tasks()] == ["unknown"]
    assert captured.sample("celery_task_succeeded_total", name=tell.name, queue_name="unknown") == 1


@pytest.mark.parametrize(("retries", "attempt"), [(2, 3), (None, 1), ("3", 1), ([1], 1), (1.5, 1)])
def test_the_attempt_is_by_a_count_of_retries_only(retries: Any, attempt: int) -> None:
    assert taskrun.attempt_of(retries) == attempt


def test_an_exchange_that_is_declared_has_no_kind() -> None:
    """Kombu declares those, too, before a publish."""
    found: dict[str, Any] = {}
    taskattributes.find({"declare": [Exchange("shop")], "id": "1"}, found)
    assert found["messaging.message.id"] == "1"


def rejected(message: Any) -> str | None:
    """The ID that a worker logs under while it rejects a message."""
    seen: list[str | None] = []

    def reject(*_: Any) -> None:
        seen.append(correlation_id())

    taskevents._on_rejected(reject, SimpleNamespace(hostname="worker@shop"), (None, message), {})  # type: ignore[arg-type]
    return seen[0]


def test_a_message_that_cannot_be_decoded_is_rejected_under_its_id(captured: Captured) -> None:
    body: Any = b"{"
    message = Message(body, content_type="application/json", content_encoding="utf-8", headers=dict(ORDINARY))
    message.headers.pop("task")
    with pytest.raises(Exception, match="Expecting"):
        message.payload  # noqa: B018
    assert rejected(message) == ID
    assert [event.correlation_id for event in captured.records if isinstance(event, UnrunTask)] == [ID]


@pytest.mark.parametrize("headers", [5, "task", ["task"]], ids=repr)
def test_a_message_is_rejected_in_an_event_whatever_it_has_for_headers(
    captured: Captured, headers: Any
) -> None:
    rejected(SimpleNamespace(headers=headers, payload=None, delivery_info="mail"))
    [event] = [record for record in captured.records if isinstance(record, UnrunTask)]
    assert (event.state, event.task, event.queue) == ("REJECTED", "unknown", "unknown")


def test_headers_that_are_no_mapping_are_none() -> None:
    assert taskheaders.read(5, ["x-correlation-id"], None, "x-correlation-id", {"X-Correlation-ID": ID}) == {
        "x-correlation-id": ID
    }
