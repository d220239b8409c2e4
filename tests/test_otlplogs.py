"""Log records on their way into the queue: they wait for nobody, and are cut down to a line's size."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import lru_cache
from time import monotonic
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from django_observe import delivery, export, json, recordfields
from django_observe.delivery import Pipeline
from django_observe.otlplogs import ExportHandler
from django_observe.route import Limits, Outcome, Route
from tests.processes import wait_until


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportHandler]:
    """Whose pipeline holds what it gets: the worker waits for more."""
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "60000")
    monkeypatch.setattr(export, "_pipelines", {})
    made = ExportHandler()
    yield made
    export.shutdown(0)


def record(message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("shop", logging.INFO, "shop.py", 1, message, args, None)
    made.__dict__.update(extra)
    return made


def pipeline() -> Pipeline:
    return export.pipeline("logs")


def test_a_value_that_is_slow_to_become_text_holds_up_nobody_else(handler: ExportHandler) -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow:
        def __str__(self) -> str:
            asked.set()
            go_on.wait(10)
            return "slow"

    thread = threading.Thread(target=handler.handle, args=(record("%s", Slow()),))
    thread.start()
    assert asked.wait(5)
    started = monotonic()
    handler.handle(record("quick"))
    assert monotonic() - started < 5
    assert pipeline().ledger().accepted == 1
    go_on.set()
    thread.join()
    assert pipeline().ledger().accepted == 2


def test_detectors_run_on_the_worker(handler: ExportHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_observe import logencoding, provider

    where: list[str] = []

    def slow() -> Any:
        where.append(threading.current_thread().name)
        return resource

    resource = provider.resource()
    monkeypatch.setattr(provider, "resource", slow)
    unknown = lru_cache(logencoding._resource.__wrapped__)  # another test's worker may still be making it
    monkeypatch.setattr(logencoding, "_resource", unknown)
    handler.handle(record("first"))
    wait_until(lambda: where, "the resource")
    assert set(where) == {"django_observe.logs"}


def test_a_filter_decides(handler: ExportHandler) -> None:
    handler.addFilter(lambda each: "no" not in each.getMessage())
    assert not handler.handle(record("no"))
    assert handler.handle(record("yes"))
    assert pipeline().ledger().accepted == 1


@pytest.mark.parametrize(
    "extra",
    [
        {f"text{number}": "x" * 100_000 for number in range(64)},
        {f"wide{number}": "\N{PILE OF POO}" * 100_000 for number in range(64)},
        {f"list{number}": ["x" * 4_000] * 64 for number in range(64)},
        {f"map{number}": {str(key): "x" * 4_000 for key in range(64)} for number in range(64)},
    ],
    ids=["texts", "wide", "lists", "maps"],
)
def test_a_record_with_large_extras_is_cut_down(handler: ExportHandler, extra: dict[str, Any]) -> None:
    handler.handle(record("hello", **extra))
    buffer = pipeline()._buffer
    assert 0 < buffer._bytes < 4 * json.MAX_LINE
    (line, size), *_ = buffer._waiting
    assert size == buffer._bytes
    assert line[2]["message"] == "hello"
    assert line[2][json.TRUNCATED] > 0


def test_a_record_that_finds_no_room_is_not_even_made(
    handler: ExportHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline()._buffer, "_limits", Limits(queue=1))
    handler.handle(record("first"))

    class Never:
        def __str__(self) -> str:
            raise AssertionError

    handler.handle(record("%s", Never()))
    assert pipeline().ledger().dropped == {"queue_full": 1}
    assert pipeline().ledger().accepted == 2


def queued() -> list[Any]:
    return [line for line, _ in pipeline()._buffer._waiting]


@pytest.mark.parametrize("value", ["x", {"message": "forged", "password": "hunter2"}])
def test_an_extra_called_like_the_fields_kept_for_us_is_not_exported(
    handler: ExportHandler, value: Any
) -> None:
    handler.handle(record("hello", **{json.MADE: value}))
    ((_, _, fields),) = queued()
    assert fields["message"] == "hello"
    assert "hunter2" not in str(fields)


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "requests", "shop"])
def test_an_applications_lines_about_its_own_requests_are_exported(handler: ExportHandler, name: str) -> None:
    """Also of code that wants no spans: only what our own threads say would cause the next line."""
    about = record("Connection pool is full")
    about.name = name
    with suppress_instrumentation():
        handler.handle(about)
    assert pipeline().ledger().accepted == 1


def test_what_is_logged_while_a_batch_is_sent_is_not_exported(handler: ExportHandler) -> None:
    heard: list[bool] = []

    class Logging:
        timeout = 1.0

        def post(self, _body: bytes, _seconds: float) -> Outcome:
            handler.handle(record("sending"))
            heard.append(delivery.is_delivering.get())
            return Outcome("exported")

    own = Pipeline(Route("logs", lambda _: b"", Logging), Limits(delay=0.01), lambda: None, lambda: None)
    own.offer("a line", 1)
    wait_until(lambda: heard, "a batch")
    own.closed(monotonic() + 5)
    assert heard == [True]
    assert pipeline().ledger().accepted == 0


def test_a_record_that_cannot_be_formatted_is_told_as_on_stdout(
    handler: ExportHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordfields, "stamp", None)
    handler.handle(record("hello"))
    assert queued()[0][2]["message"] == "[this record could not be formatted]"


def test_the_fields_of_stdouts_line_are_taken(handler: ExportHandler) -> None:
    texts = 0

    class Counted:
        def __str__(self) -> str:
            nonlocal texts
            texts += 1
            return "once"

    told = record("%s", Counted(), place="here")
    json.JsonFormatter().format(told)
    handler.handle(told)
    assert texts == 1
    assert queued()[0][2]["message"] == "once"
    assert queued()[0][2]["place"] == "here"
    assert json.MADE not in told.__dict__


def test_a_filter_of_the_handlers_own_is_heard(handler: ExportHandler) -> None:
    def mask(each: logging.LogRecord) -> bool:
        each.place = "masked"
        return True

    handler.addFilter(mask)
    told = record("hello", place="here")
    json.JsonFormatter().format(told)
    handler.handle(told)
    assert queued()[0][2]["place"] == "masked"
