"""The format for people: aligned, one line per record, the stack below, nothing that moves the cursor."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django_observe import correlated
from django_observe.consoleformat import ConsoleFormatter
from django_observe.logcontext import FIELDS
from django_observe.vocabulary import Event, Field


def shown(message: str, *, colour: bool = False, level: int = logging.INFO, **attributes: Any) -> str:
    record = logging.LogRecord("shop.orders", level, "", 0, message, (), None)
    record.created = 1_700_000_000.123
    record.__dict__.update(attributes)
    return ConsoleFormatter(colour=colour).format(record)


def request_line(**fields: Any) -> str:
    attributes: dict[str, Any] = {FIELDS: ({Field.EVENT: Event.REQUEST, Field.DB_COUNT: 0, **fields},)}
    return shown("GET /orders 200 12.3 ms", **attributes)


def test_a_line_has_time_level_logger_message_extras_and_the_whole_id() -> None:
    with correlated("3f2a91bc77aa"):
        assert shown("placed", basket=3) == (
            "22:13:20.123  INFO      shop.orders           placed  basket=3  3f2a91bc77aa"
        )


def test_levels_and_loggers_are_aligned() -> None:
    assert shown("x").index("x") == shown("x", level=logging.CRITICAL).index("x")


def test_a_request_says_its_work() -> None:
    assert request_line() == "22:13:20.123  INFO      GET /orders 200 12.3 ms"
    busy = request_line(**{Field.DB_COUNT: 3, Field.DB_REPEAT: 2, Field.HTTP_COUNT: 1, Field.QUEUE_MS: 5.0})
    assert busy.endswith("GET /orders 200 12.3 ms  3 queries (repeat 2)  1 call  queued 5.0 ms")
    assert request_line(**{Field.DB_COUNT: 1, Field.DB_REPEAT: 1}).endswith("ms  1 query")
    assert request_line(**{Field.EVENT: Event.REQUEST_ABORTED}).endswith("ms  aborted")


def test_the_stack_stands_below() -> None:
    error = LookupError("gone")
    with suppress(LookupError):
        raise error
    first, *stack = shown("failed", exc_info=(LookupError, error, error.__traceback__)).splitlines()
    assert first.endswith("failed")
    assert stack[0] == "Traceback (most recent call last):"
    assert stack[-1] == "LookupError: gone"


def test_colours_are_only_there_where_asked_for() -> None:
    assert "\x1b" not in shown("x")
    assert "\x1b[32mINFO    \x1b[0m" in shown("x", colour=True)


def test_what_is_logged_cannot_move_the_cursor_or_forge_a_line() -> None:
    line = shown("a\nb\r\x1b[2Jc\u202ed\x9be", evil="f\ng\x1b[0m")
    assert line.isprintable()
    assert "a\\nb\\r\\x1b[2Jc\\u202ed\\x9be" in line


def test_a_record_that_breaks_the_formatter_is_named() -> None:
    assert shown("x", created=float("nan")) == "[this record could not be formatted]"
