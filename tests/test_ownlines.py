"""Our own lines: without a record where nobody looks at one, and the same with one where somebody does."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from django_observe import loghandler, logs, logwiring, reporting
from django_observe.json import JsonFormatter
from django_observe.logroot import Takeover
from django_observe.records import CallStats, Exchange, Failure, QueryStats, TraceContext
from django_observe.vocabulary import LoggerName

LOGGER = logging.getLogger(LoggerName.REQUEST)
PLAIN = Exchange(correlation_id="order-7", method="GET", path="/orders/7/", status=200, seconds=0.0123456)
FULL = Exchange(
    correlation_id="order-7",
    trace=TraceContext("a" * 32, "b" * 16, sampled=True),
    method="POST",
    path="/caf\xe9/\u2028/",
    route="orders/<int:pk>/",
    status=500,
    seconds=1.5,
    queue_seconds=0.25,
    queries=QueryStats(5, 0.002, 4),
    calls=CallStats(1, 0.1),
    user_id="\ud800",
    client_ip="192.0.2.0",
    bytes_out=512,
    failure=Failure("ValueError", "boom", "Traceback ...\nValueError: boom"),
)


@pytest.fixture
def stdout(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """A stdout of its own, to which our output, made anew, writes JSON; what was there before comes back."""
    stream, handlers, level = io.StringIO(), LOGGER.handlers[:], LOGGER.level
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(logwiring, "_output", None)
    monkeypatch.setattr(logwiring, "_takeover", Takeover())
    LOGGER.handlers.clear()
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        output = logwiring._stdout()
        LOGGER.addHandler(output)
        yield stream
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


def told(stream: io.StringIO, exchange: Exchange) -> dict[str, Any]:
    logs.report(exchange)
    line = stream.getvalue()
    assert line.endswith("\n")
    stream.seek(0)
    stream.truncate()
    found: dict[str, Any] = json.loads(line)
    return found


class Seen(logging.Handler):
    """A project's own handler on our logger."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def output() -> logging.Handler:
    found = logwiring._output
    assert found is not None
    return found


@contextmanager
def a_handler(seen: Seen) -> Iterator[None]:
    LOGGER.addHandler(seen)
    yield
    LOGGER.removeHandler(seen)


@contextmanager
def a_filter_of_the_logger(seen: Seen) -> Iterator[None]:
    def look(record: logging.LogRecord) -> bool:
        seen.emit(record)
        return True

    LOGGER.addFilter(look)
    yield
    LOGGER.removeFilter(look)


@contextmanager
def a_filter_of_the_output(seen: Seen) -> Iterator[None]:
    def look(record: logging.LogRecord) -> bool:
        seen.emit(record)
        return True

    output().addFilter(look)
    yield
    output().removeFilter(look)


@contextmanager
def a_formatter(seen: Seen) -> Iterator[None]:
    class Own(JsonFormatter):
        def format(self, record: logging.LogRecord) -> str:
            seen.emit(record)
            return super().format(record)

    before = output().formatter
    output().setFormatter(Own())
    yield
    output().setFormatter(before)


@contextmanager
def a_factory_of_records(seen: Seen) -> Iterator[None]:
    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        seen.emit(record)
        return record

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(make)
    yield
    logging.setLogRecordFactory(before)


WATCHERS = [
    a_handler,
    a_filter_of_the_logger,
    a_filter_of_the_output,
    a_formatter,
    a_factory_of_records,
]


@pytest.mark.parametrize("watched", WATCHERS)
@pytest.mark.parametrize("exchange", [PLAIN, FULL])
def test_a_line_is_the_same_whoever_looks(
    stdout: io.StringIO, watched: Callable[[Seen], Any], exchange: Exchange
) -> None:
    assert logwiring.sole_output(LOGGER) is output()
    unwatched = told(stdout, exchange)
    seen = Seen()
    with watched(seen):
        assert logwiring.sole_output(LOGGER) is None
        line = told(stdout, exchange)
    assert seen.messages == [unwatched["message"]]
    assert list(line) == list(unwatched)
    assert {**line, "timestamp": ""} == {**unwatched, "timestamp": ""}


def test_no_record_is_made_where_nobody_looks(stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(LOGGER, "makeRecord", lambda *args: made.append(args))
    assert told(stdout, PLAIN)["status"] == 200
    assert made == []


@pytest.mark.parametrize("off", ["the logger", "its level", "the output's level"])
def test_what_is_switched_off_says_nothing(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    if off == "the logger":
        monkeypatch.setattr(LOGGER, "disabled", True)
    elif off == "its level":
        LOGGER.setLevel(logging.ERROR)
    else:
        output().setLevel(logging.ERROR)
    logs.report(PLAIN)
    assert stdout.getvalue() == ""


def test_a_line_that_cannot_be_encoded_is_told_in_short_and_counted(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_observe.json.timestamp", lambda _: "2026-01-01T00:00:00.000000Z")
    monkeypatch.setattr("django_observe.json.MAX_LINE", "no number")
    before = reporting.failures().get("json", 0)
    line = told(stdout, FULL)
    assert line["message"] == "[this record could not be formatted]"
    assert (line["logger"], line["level"]) == (LoggerName.REQUEST, "ERROR")
    assert reporting.failures()["json"] == before + 1


def test_a_stream_that_fails_costs_the_line_once(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(text: str) -> int:
        tried.append(text)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stdout, "write", fail)
    before = reporting.failures().get("logs", 0)
    logs.report(PLAIN)
    assert len(tried) == 1
    assert reporting.failures()["logs"] == before + 1


def test_a_file_that_becomes_a_pipe_is_found_out_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(loghandler, "monotonic", lambda: now)
    reading, writing = os.pipe()
    with (tmp_path / "log").open("w") as stream, os.fdopen(reading), os.fdopen(writing, "w"):
        handler = loghandler.Output(stream)
        handler.write("to the file")
        os.dup2(writing, stream.fileno())
        handler.write("to the pipe, as it is where the stream leads")
        assert handler._pipe() is None
        now += loghandler.LOOK_SECONDS
        assert handler._pipe() is not None
        handler.write("as to any pipe")
        assert os.read(reading, 1_000).decode().splitlines() == [
            "to the pipe, as it is where the stream leads",
            "as to any pipe",
        ]
    assert (tmp_path / "log").read_text() == "to the file\n"


def test_another_stream_is_looked_at_at_once(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with (tmp_path / "log").open("w") as file, os.fdopen(reading), os.fdopen(writing, "w") as pipe:
        handler = loghandler.Output(file)
        handler.write("x")
        assert handler._pipe() is None
        handler.setStream(pipe)
        assert handler._pipe() is not None


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, 0.0), (0.0123456, 12.346), (1.5, 1500.0), (86_400.0000004, 86_400_000.0)]
)
def test_durations_are_told_in_milliseconds_to_the_microsecond(
    stdout: io.StringIO, seconds: float, shown: float
) -> None:
    exchange = Exchange(correlation_id="o", method="GET", path="/", status=200, seconds=seconds)
    assert told(stdout, exchange)["duration_ms"] == shown
