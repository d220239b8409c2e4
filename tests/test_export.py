"""Delivery against real receivers that behave, and that do not."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from demo_services.ports import free_port
from django_observe import backlog, backoff, batch, export
from django_observe.delivery import Pipeline
from django_observe.ledger import DropReason, Ledger
from django_observe.otlphttp import Receiver, timeout, url
from django_observe.route import Limits, Route, limits
from tests.collector import Collector, Mode

QUICK = Limits(queue=200, batch=50, delay=0.02)
_numbers = itertools.count()


class Poison:
    """A record that cannot be encoded."""


def encode(records: Sequence[Any]) -> bytes:
    spans = [Span(name=name) for name in records]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])]
    ).SerializeToString()


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Pipeline]]:
    """`export`'s pipelines, empty; what a test puts there is closed after it."""
    own: dict[str, Pipeline] = {}
    monkeypatch.setattr(export, "_pipelines", own)
    yield own
    export.shutdown(0)


def pipeline_to(
    endpoint: str, pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch, limits: Limits = QUICK
) -> Pipeline:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    route = Route("traces", encode, lambda: Receiver("traces"))
    made = Pipeline(route, limits, on_start=lambda: None, on_change=export._tell_listeners)
    pipelines[f"traces{next(_numbers)}"] = made
    return made


def names(collector: Collector) -> list[str]:
    return sorted(each.name for each in collector.spans())


def balanced(ledger: Ledger) -> bool:
    return ledger.accepted == ledger.exported + ledger.lost + ledger.queued


def test_what_is_queued_is_exported_by_flush(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        for number in range(120):
            pipeline.offer(f"{number:03}")
        assert export.flush(5)
        assert names(collector) == [f"{number:03}" for number in range(120)]

    ledger = pipeline.ledger()
    assert (ledger.accepted, ledger.exported, ledger.lost, ledger.queued) == (120, 120, 0, 0)
    assert ledger.last_success_seconds is not None


def test_nothing_is_sent_by_itself_before_the_delay_and_all_of_it_after(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch, Limits(200, 50, 0.3))
        started = monotonic()
        for _ in range(10):
            pipeline.offer("span")
        collector.wait_for(lambda: len(collector.spans()) == 10)
        assert monotonic() - started >= 0.3
        assert len(collector.requests) == 1


MODES: list[tuple[Mode | None, set[str]]] = [
    ("ok", set()),
    ("slow", set()),
    ("hang", {DropReason.SHUTDOWN}),
    ("302", {DropReason.REFUSED}),
    ("400", {DropReason.REFUSED}),
    ("html", {DropReason.REFUSED}),
    ("429", {DropReason.SHUTDOWN}),
    ("503", {DropReason.SHUTDOWN}),
    ("partial", {DropReason.REJECTED}),
    (None, {DropReason.SHUTDOWN}),
]


@pytest.mark.parametrize(("mode", "reasons"), MODES, ids=str)
def test_the_books_balance_at_any_moment(
    mode: Mode | None, reasons: set[str], pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a burst from four threads that overflows the queue, while another looks on. None: nobody listens."""
    with Collector(mode or "ok", delay=0.05) as collector:
        endpoint = collector.url if mode else f"http://127.0.0.1:{free_port()}"
        pipeline = pipeline_to(endpoint, pipelines, monkeypatch)
        unbalanced: list[Ledger] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                ledger = pipeline.ledger()
                if not balanced(ledger) or ledger.queued > QUICK.queue:
                    unbalanced.append(ledger)

        def burst() -> None:
            for _ in range(500):
                pipeline.offer("span")

        threads = [threading.Thread(target=burst) for _ in range(4)]
        looker = threading.Thread(target=look)
        looker.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        before = monotonic()
        export.shutdown(1.0)
        took = monotonic() - before
        done.set()
        looker.join()
        ledger = pipeline.ledger()

    assert unbalanced == []
    assert took < 4
    assert balanced(ledger)
    assert (ledger.accepted, ledger.queued) == (2000, 0)
    assert set(ledger.dropped) - {DropReason.QUEUE_FULL} == reasons
    if mode in ("ok", "slow", "partial"):
        taken = len(collector.spans())
        assert ledger.exported == taken - (len(collector.requests) if mode == "partial" else 0)
    else:
        assert ledger.exported == 0


def test_the_start_of_an_incident_is_what_is_kept(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector("503") as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch, Limits(20, 10, 0.02))
        for number in range(100):
            pipeline.offer(f"{number:03}")
        collector.mode = "ok"
        assert export.flush(5)
        assert names(collector) == [f"{number:03}" for number in range(20)]


def test_a_failure_that_passes_loses_nothing(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector("503") as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        pipeline.offer("patient")
        assert not export.flush(0.1)
        collector.mode = "ok"
        collector.wait_for(lambda: names(collector) == ["patient"])
    assert pipeline.ledger().lost == 0


def test_a_broken_receiver_is_probed_now_and_then_and_not_stormed(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "BREAKER_SECONDS", 0.5)
    with Collector("503") as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        for _ in range(50):
            pipeline.offer("span")
        collector.wait_for(lambda: pipeline._backoff.failures >= backoff.BREAKER_AFTER)
        before, started = collector.attempts, monotonic()
        collector.wait_for(lambda: collector.attempts >= before + 2)
        assert monotonic() - started >= 0.5 * 0.8
        collector.mode, recovering = "ok", monotonic()
        collector.wait_for(lambda: len(collector.spans()) == 50)
        assert monotonic() - recovering < 2 * 0.5 + 0.5


def test_retry_after_is_honoured(pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector("429") as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        pipeline.offer("patient")
        collector.wait_for(lambda: collector.attempts == 1)
        started, collector.mode = monotonic(), "ok"
        collector.wait_for(lambda: names(collector) == ["patient"])
        assert monotonic() - started > 0.8


def test_flush_says_no_when_a_record_was_rejected(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector("partial") as collector:
        pipeline_to(collector.url, pipelines, monkeypatch).offer("span")
        assert not export.flush(5)


def test_all_signals_share_one_deadline_at_exit(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector("hang") as collector:
        for _ in range(3):
            pipeline_to(collector.url, pipelines, monkeypatch).offer("span")
        started = monotonic()
        assert not export.shutdown(2)
        assert 1.9 < monotonic() - started < 3.9  # one after the other they would take 6


def test_a_receiver_that_is_gone_does_not_hold_the_exit_back(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pipeline_to(f"http://127.0.0.1:{free_port()}", pipelines, monkeypatch)
    pipeline.offer("span")
    started = monotonic()
    assert not export.shutdown(20)
    assert monotonic() - started < 10
    pipeline.offer("too late")
    assert pipeline.ledger().dropped == {DropReason.SHUTDOWN: 2}


def test_a_record_that_cannot_be_encoded_takes_no_other_with_it(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        for number in range(20):
            pipeline.offer(Poison() if number == 7 else f"{number:02}")
        assert not export.flush(5)
        assert names(collector) == [f"{number:02}" for number in range(20) if number != 7]
    assert pipeline.ledger().dropped == {DropReason.ENCODE: 1}


def test_a_request_that_is_too_large_is_split(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_REQUEST_BYTES", 1_000)
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        for number in range(20):
            pipeline.offer("x" * (2_000 if number == 7 else 100))
        assert not export.flush(5)
        assert len(collector.spans()) == 19
        assert all(len(body) <= 1_000 for _, _, body in collector.requests)
    assert pipeline.ledger().dropped == {DropReason.TOO_LARGE: 1}


def test_a_destructor_may_offer_while_a_record_is_being_offered(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        with pipeline._lock:
            pipeline.offer("from a destructor")
        assert export.flush(5)


def test_losses_are_told_once_on_stderr(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Collector("302") as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        for _ in range(3):
            pipeline.offer("span")
            collector.wait_for(lambda: not pipeline.ledger().queued)
        export.shutdown(1)
    text = capsys.readouterr().err
    first, *others = text.splitlines(keepends=True)
    assert re.fullmatch(
        r"django_observe: traces: 1 of 1 records lost \(refused 1\), 0 queued; "
        r"export fails: HTTP 302 from 127\S+\n",
        first,
    )
    assert len(others) == 1, "the last news are told at exit"
    assert "3 of 3 records lost" in others[0]


def test_listeners_hear_of_each_batch(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []

    def broken() -> None:
        raise ValueError

    monkeypatch.setattr(export, "_listeners", [])
    with Collector() as collector:
        pipeline = pipeline_to(collector.url, pipelines, monkeypatch)
        export.on_change(lambda: heard.append(pipeline.ledger().exported))
        export.on_change(broken)
        pipeline.offer("span")
        collector.wait_for(lambda: heard and heard[-1] == 1)
        pipeline.offer("span")
        collector.wait_for(lambda: heard[-1] == 2)


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_otel_variables_decide_how_it_is_sent(
    compression: str, pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=all")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-tenant=shop%20one, x-other=2")
    with Collector() as collector:
        pipeline = pipeline_to(collector.url + "/", pipelines, monkeypatch)
        pipeline.offer("span")
        assert export.flush(5)
        assert names(collector) == ["span"]
        path, headers, _ = collector.requests[0]
    assert path == "/v1/traces"
    assert headers.get("Content-Encoding", "none") == compression
    assert (headers["x-tenant"], headers["x-other"]) == ("shop one", "2")
    assert headers["Content-Type"] == "application/x-protobuf"


def test_the_endpoint_of_one_signal_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://loki/otlp/v1/logs")
    assert url("traces") == "http://general:4318/base/v1/traces"
    assert url("logs") == "http://loki/otlp/v1/logs"


@pytest.mark.parametrize(
    ("given", "seconds"), [("", 10), ("2.5", 2.5), ("3000", 3), ("nonsense", 10), ("-1", 10), ("nan", 10)]
)
def test_a_timeout_is_read_as_python_exporters_do(
    given: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", given)
    assert timeout("traces") == seconds


def test_limits_come_from_the_batch_processors_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits("traces") == Limits(2048, 512, 1.0)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "250")
    monkeypatch.setenv("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "7")
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "soon")
    assert limits("traces") == Limits(100, 100, 0.25)
    assert limits("logs") == Limits(2048, 7, 1.0)


def test_what_stdout_loses_at_the_end_is_told_where_nothing_is_exported(
    pipelines: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then a gunicorn worker's lines are in nobody's books but its own."""
    lost: list[int] = []
    monkeypatch.setattr(export, "_listeners", [])
    export.on_change(lambda: lost.append(export.snapshot()[backlog.SIGNAL].lost))
    reading, writing = os.pipe()
    filled = backlog.Backlog()
    monkeypatch.setattr(backlog, "stdout", filled)
    with open(writing, "w") as stream:  # noqa: PTH123 - a descriptor
        pipe = backlog.pipe_of(stream)
        assert pipe is not None
        for _ in range(40):
            filled.write(pipe, b"x" * 4_000, stream.flush)
        assert pipelines == {}
        assert not export.shutdown(0)
        os.close(reading)
    assert lost[-1] > 0
