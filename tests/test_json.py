"""JSON lines: strict, whole, flat and one per record, whatever is logged."""

from __future__ import annotations

import json
import logging
import logging.config
import logging.handlers
import pickle
import queue
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from django_observe import conf, correlated, logcontext, reporting
from django_observe.json import MADE, MAX_LINE, JsonFormatter, document
from django_observe.logcontext import CONTEXT, FIELDS, ContextFilter
from django_observe.privacy import MAX_TEXT
from django_observe.vocabulary import Field

CORE = [
    *("timestamp", "level", "logger", "message", "service", "environment", "version"),
    *("correlation_id", "trace_id", "span_id"),
]


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def parsed(line: str) -> dict[str, Any]:
    """The line as a strict reader takes it: one line by any convention, no NaN, an object."""
    assert len(line.splitlines()) == 1
    assert len(line.encode()) <= MAX_LINE
    document = json.loads(line, parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def logged(message: Any, *args: Any, extra: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """What one call of a logger comes out as."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    logger = logging.Logger("shop.orders", logging.DEBUG)  # noqa: LOG001 - of this call alone
    logger.addHandler(Keep())
    logger.info(message, *args, extra=extra, **options)
    (line,) = lines
    return parsed(line)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@dataclass
class Card:
    holder: str
    secret: str


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def circular() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def test_a_line_has_the_core_fields_first_and_the_extras_under_their_own_names() -> None:
    line = logged("order %s placed", 7, extra={"basket": 3})
    assert list(line) == [*CORE, "basket"]
    assert line["message"] == "order 7 placed"
    assert (line["level"], line["logger"], line["service"]) == ("INFO", "shop.orders", "tests")
    assert line["basket"] == 3


def test_the_timestamp_is_rfc_3339_in_utc() -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, "x", (), None)
    record.created = 1_700_000_000.25
    assert parsed(JsonFormatter().format(record))["timestamp"] == "2023-11-14T22:13:20.250000Z"
    record.created = 1_700_000_001.000001
    assert parsed(JsonFormatter().format(record))["timestamp"] == "2023-11-14T22:13:21.000001Z"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (circular(), {"self": "[circular]"}),
        (deep(3_000), [[[[[["[too deep]"]]]]]]),
        ({(1, "a"): 2, None: 3, 4.5: 5}, {"1, a": 2, "None": 3, "4.5": 5}),
        (b"caf\xc3\xa9\xff", "café\N{REPLACEMENT CHARACTER}"),
        ("\ud800x", "\N{REPLACEMENT CHARACTER}x"),
        ({"\udfff": 1}, {"\N{REPLACEMENT CHARACTER}": 1}),
        (2**63, str(2**63)),
        (10**9_999, "[integer of 33216 bits]"),
        (Unprintable(), "[unreadable]"),
        ([1, Unprintable(), 2], [1, "[unreadable]", 2]),
        ({5}, [5]),
        ((1, 2), [1, 2]),
        (Card("Ada", "hunter2"), {"holder": "Ada", "secret": "[redacted]"}),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, 3), "2026-01-02 03:00:00"),  # noqa: DTZ001 - a naive one is logged, too
        (timedelta(seconds=5), "0:00:05"),
        (HttpResponse("body with secrets", status=404), "<HttpResponse 404>"),
        (User(username="ada"), "<django.contrib.auth.models.User>"),
        (User.objects.all(), "<QuerySet of django.contrib.auth.models.User>"),
        (SimpleLazyObject(lambda: 1 / 0), "<django.utils.functional.SimpleLazyObject>"),
        (ValueError("password=hunter2"), "ValueError: password=[redacted]"),
        (Card, "<class tests.test_json.Card>"),
        (object(), "<object>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_becomes_strict_json(value: Any, expected: Any) -> None:
    """No database is allowed here, so a queryset or lazy object that were evaluated would fail."""
    assert logged("x", extra={"value": value})["value"] == expected


def test_core_fields_cannot_be_forged() -> None:
    forged = {name: "forged" for name in [*CORE, "stack", "event"] if name != "message"}
    by_extra = logged("real", extra=forged)
    by_message = logged({**forged, "message": "real", 5: 6})
    for line in (by_extra, by_message):
        assert line["message"] == "real"
        assert {name: line[name] for name in CORE if line[name] == "forged"} == {}
        assert {line[f"extra_{name}"] for name in forged} == {"forged"}
        assert "event" not in line
    assert by_message["5"] == 6


def test_arguments_that_do_not_fit_still_give_a_line() -> None:
    line = logged("%d items", "many")
    assert line["message"] == "%d items [bad arguments: ['many']]"
    assert "bad arguments" in logged("%s", Unprintable())["message"]
    assert "%s %s" in logged("%s %s", deep(3_000))["message"]


def test_a_request_in_extra_is_left_out_and_inside_a_value_it_is_only_named() -> None:
    request = RequestFactory().get("/orders/?token=canary")
    line = logged("Not Found", extra={"request": request, "status_code": 404, "also": [request]})
    assert "request" not in line
    assert line["also"] == ["<WSGIRequest GET /orders/>"]
    assert line["status_code"] == 404
    assert logged("x", extra={"request": "a plain one"})["request"] == "a plain one"


def test_the_arguments_of_a_celery_task_are_left_out() -> None:
    record = logging.LogRecord("celery.app.trace", logging.INFO, "", 0, "x", (), None)
    record.data = {"args": "canary"}
    assert "canary" not in JsonFormatter().format(record)


def test_an_exception_has_its_type_message_and_stack_without_secrets() -> None:
    error = LookupError("token=canary")
    with suppress(LookupError):
        raise error
    line = logged("failed", exc_info=error)
    assert line["error_type"] == "LookupError"
    assert line["error_message"] == "token=[redacted]"
    assert line["stack"].startswith("Traceback (most recent call last):")
    assert 'File "' in line["stack"]
    assert "LookupError: token=[redacted]" in line["stack"]


def test_a_stack_without_an_exception_is_told() -> None:
    line = logged("here", stack_info=True)
    assert "test_a_stack_without_an_exception" in line["stack"]
    assert "error_type" not in line


def test_secrets_are_masked_by_key_and_by_pattern() -> None:
    line = logged("login with password=canary", extra={"api_key": "canary", "n": {"Set-Cookie": "canary"}})
    assert "canary" not in json.dumps(line)
    assert line["api_key"] == "[redacted]"


def test_sizes_are_capped() -> None:
    line = logged("m" * 100_000, extra={"one": "v" * 100_000})
    assert len(line["message"]) == MAX_TEXT
    assert len(line["one"]) == 4_096
    wide = logged("x", extra={f"field{number}": "v" * 4_000 for number in range(500)})
    assert wide["truncated_fields"] > 0
    assert wide["service"] == "tests"
    controls = logged("\x00" * 100_000, extra={"more": "\x01" * 9_000})
    assert controls["message"].startswith("\x00")
    assert len(logged("x", extra={f"f{number}": 1 for number in range(500)})) <= len(CORE) + 64


def test_unicode_line_breaks_do_not_break_the_line() -> None:
    text = "a\u2028b\u2029c\x85d\ne\r\nf\x0bg\x1ch"
    assert logged(text, extra={"k": text})["message"] == text


def test_uvicorns_second_message_is_left_out() -> None:
    assert "color_message" not in logged("x", extra={"color_message": "\x1b[1mx\x1b[0m"})


def test_the_ids_of_the_request_and_span_are_on_the_line() -> None:
    span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
    with correlated("order-import-7"), trace.use_span(span):
        line = logged("x")
    assert line["correlation_id"] == "order-import-7"
    assert line["trace_id"] == f"{0xABC:032x}"
    assert line["span_id"] == f"{0xDEF:016x}"
    outside = logged("x")
    assert (outside["correlation_id"], outside["trace_id"], outside["span_id"]) == (None, None, None)


def test_the_ids_survive_a_queue_to_another_thread() -> None:
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    handler.addFilter(ContextFilter())
    logger = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - of this test alone
    logger.addHandler(handler)
    lines: list[str] = []
    with correlated("order-import-8"):
        logger.info("x", extra={"correlation_id": "forged"})

    def listen() -> None:
        with correlated("another-one-9"):
            record = records.get()
            ContextFilter().filter(record)
            lines.append(JsonFormatter().format(record))

    listener = threading.Thread(target=listen)
    listener.start()
    listener.join()
    line = parsed(lines[0])
    assert line["correlation_id"] == "order-import-8"
    assert line["extra_correlation_id"] == "forged"


def test_a_text_format_can_show_the_id() -> None:
    handler = logging.Handler()
    handler.setFormatter(logging.Formatter("%(correlation_id)s %(trace_id)s %(message)s"))
    record = logging.LogRecord("shop", logging.INFO, "", 0, "x", (), None)
    ContextFilter().filter(record)
    assert handler.format(record) == "- - x"
    assert parsed(JsonFormatter().format(record))["correlation_id"] is None


def test_a_record_that_breaks_the_formatter_still_gives_a_counted_line() -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, "x", (), None)
    record.created = float("nan")
    before = reporting.failures().get("json", 0)
    line = parsed(JsonFormatter().format(record))
    assert line["message"] == "[this record could not be formatted]"
    assert (line["level"], line["logger"]) == ("INFO", "shop")
    assert reporting.failures()["json"] == before + 1


def test_the_formatter_works_by_name_in_logging_config() -> None:
    configurator = logging.config.DictConfigurator(
        {"version": 1, "formatters": {"json": {"()": "django_observe.json.JsonFormatter"}}}
    )
    formatter = configurator.configure_formatter(configurator.config["formatters"]["json"])
    assert isinstance(formatter, JsonFormatter)


def test_a_process_without_django_settings_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conf, "configured", lambda: False)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "master")
    assert logged("x")["service"] == "master"


@pytest.mark.parametrize("value", [False, "x", ["a", None, None], {"password": "hunter2"}])
@pytest.mark.parametrize("name", [CONTEXT, FIELDS, MADE])
def test_an_extra_called_like_what_is_kept_on_a_record_is_not_taken_for_it(name: str, value: Any) -> None:
    with correlated("3f2a91bc77aa"):
        line = logged("x", extra={name: value, "order": 7})
    assert list(line)[: len(CORE)] == CORE
    assert (line["message"], line["correlation_id"], line["order"]) == ("x", "3f2a91bc77aa", 7)
    assert "hunter2" not in str(line)


def test_a_pickled_record_can_be_read_where_we_are_not_installed() -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": "x"})
    with correlated("3f2a91bc77aa"):
        ContextFilter().filter(record)
    logcontext.keep(record, FIELDS, {"event": "request"})
    pickled = logging.handlers.SocketHandler("localhost", 0).makePickle(record)
    assert b"django_observe" not in pickled
    arrived = logging.makeLogRecord(pickle.loads(pickled[4:]))  # noqa: S301 - what was written above
    assert document(arrived) == document(record)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters(codec=None)),
    st.binary(),
    st.decimals(),
    st.datetimes(),
    st.builds(Unprintable),
    st.builds(circular),
    st.builds(User),
    st.builds(deep, st.just(3_000)),
    st.just(10**4_000),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.tuples(st.text(), st.integers())), inner),
        st.tuples(inner, inner),
        st.builds(Card, inner, inner),
    ),
    max_leaves=20,
)
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
extras = st.dictionaries(st.text().filter(lambda name: name not in STANDARD), values, max_size=5)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message=values, args=st.lists(values, max_size=3), extra=extras)
def test_anything_logged_is_one_strict_line(message: Any, args: list[Any], extra: dict[str, Any]) -> None:
    line = logged(message, *args, extra=extra)
    assert list(line)[: len(CORE)] == CORE
    assert line[Field.SERVICE] == "tests"
