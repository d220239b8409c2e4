"""structlog's usual set-up: its event dict is the record's message, which our line and export say plainly."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
import structlog

from django_observe import export, json, recordfields
from django_observe.otlplogs import ExportHandler
from django_observe.testing import captured
from django_observe.vocabulary import Field

SHARED = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
)


def logger(*more: Any) -> Any:
    return structlog.wrap_logger(
        logging.getLogger("shop"),
        processors=[*SHARED, *more, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def only_line(call: Any) -> dict[str, Any]:
    with captured() as telemetry:
        call()
    [line] = telemetry.lines
    return line


def refused() -> None:
    raise ValueError("password=hunter2")


def made(told: dict[str, Any]) -> logging.LogRecord:
    """The record of an error that `wrap_for_formatter` hands over."""
    record = logging.LogRecord("shop", logging.ERROR, "shop.py", 1, told, (), None)
    record.__dict__.update(_logger=logging.getLogger("shop"), _name="error")
    return record


def extras(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in json.CORE}


def test_the_event_is_the_message_and_nothing_is_said_twice() -> None:
    line = only_line(lambda: logger().warning("order placed", order=17, user_id=3, token="t0psecret"))
    assert (line["message"], line["level"], line["logger"]) == ("order placed", "WARNING", "shop")
    assert extras(line) == {"order": 17, "extra_user_id": 3, "token": "[redacted]"}


@pytest.mark.parametrize(
    ("event", "told", "message", "extra"),
    [
        ("charge_failed", {"message": "card declined"}, "charge_failed", {"extra_message": "card declined"}),
        (None, {"message": "card declined"}, "card declined", {}),
        ("", {"message": "card declined"}, "card declined", {}),
        ("paid", {"event_id": 5, "message": None}, "paid", {"event_id": 5, "extra_message": None}),
        (
            "moved",
            {"level": "gold", "logger": "ship", "timestamp": "2020-01-01T00:00:00Z"},
            "moved",
            {"extra_level": "gold", "extra_logger": "ship", "extra_timestamp": "2020-01-01T00:00:00Z"},
        ),
        (
            "odd",
            {"level": 3, "logger": None, "timestamp": 10**400},
            "odd",
            {"extra_level": 3, "extra_logger": None, "extra_timestamp": "[integer of 1329 bits]"},
        ),
        ("odd", {"timestamp": "0001-01-01"}, "odd", {"extra_timestamp": "0001-01-01"}),
    ],
)
def test_names_of_ours_that_the_project_uses_are_kept(
    event: str | None, told: dict[str, Any], message: str, extra: dict[str, Any]
) -> None:
    record = made(told if event is None else {"event": event, **told})
    line = recordfields.fields_of(record)
    assert (line["message"], line["level"], line["logger"]) == (message, "ERROR", "shop")
    assert extras(line) == extra


@pytest.mark.parametrize(
    "stamp",
    [
        structlog.processors.TimeStamper(),
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S"),
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S%z", utc=False),
    ],
)
def test_what_a_processor_says_of_the_record_is_not_said_twice(stamp: Any) -> None:
    for level in ("error", "exception", "ERROR"):
        told = stamp(None, level, {"event": "paid", "level": level, "logger": "shop"})
        assert extras(recordfields.fields_of(made(told))) == {}


def test_attributes_stay_in_their_order() -> None:
    """Which of too many are left out is the same in each process."""
    record = made({"event": "paid"})
    names = [f"name_{number}" for number in range(recordfields.MAX_EXTRAS + 9)]
    record.__dict__.update(dict.fromkeys(names, 1))
    assert list(extras(recordfields.fields_of(record))) == names[: recordfields.MAX_EXTRAS]


def test_it_is_exported_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside a handler that has structlog's formatter, which works on a copy of the record."""
    offered: list[dict[str, Any]] = []
    monkeypatch.setattr(export, "_pipelines", {})
    handler = ExportHandler()
    monkeypatch.setattr(handler, "_offer", lambda _created, _level, fields: offered.append(fields))
    theirs = structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer(default=str))
    record = logging.LogRecord("shop", 20, "shop.py", 1, {"event": "paid", "cents": 5}, (), None)
    record.__dict__.update(_logger=logging.getLogger("shop"), _name="info")
    assert '"event": "paid"' in theirs.format(record)
    handler.handle(record)
    export.shutdown(0)
    [fields] = offered
    assert (fields["message"], extras(fields)) == ("paid", {"cents": 5})


@pytest.mark.parametrize("given", ["true", "one", "tuple", "short", "error"])
def test_an_exception_is_told_as_any_other(given: str) -> None:
    def fail() -> None:
        try:
            refused()
        except ValueError as error:
            values = {"true": True, "one": 1, "tuple": sys.exc_info(), "short": (error,), "error": error}
            logger().error("refused", exc_info=values[given])

    line = only_line(fail)
    assert (line["message"], line[Field.ERROR_TYPE]) == ("refused", "ValueError")
    assert line[Field.ERROR_MESSAGE] == "password=[redacted]"
    assert "in refused" in line[Field.STACK]
    assert set(extras(line)) == {Field.ERROR_TYPE, Field.ERROR_MESSAGE, Field.STACK}


def test_one_that_structlog_has_formatted_is_the_stack() -> None:
    def fail() -> None:
        try:
            refused()
        except ValueError:
            logger(structlog.processors.format_exc_info).error("refused", exc_info=True)

    line = only_line(fail)
    assert line[Field.STACK].startswith("Traceback")
    assert line[Field.STACK].endswith("ValueError: password=[redacted]")
    assert set(extras(line)) == {Field.STACK}


@pytest.mark.parametrize("given", [1, True, (), ("x",), (None, None, None), "yes"])
def test_an_exc_info_without_an_exception_is_none(given: Any) -> None:
    line = recordfields.fields_of(made({"event": "refused", "exc_info": given}))
    assert (line["message"], extras(line)) == ("refused", {})


def test_a_dict_of_ones_own_keeps_its_names() -> None:
    line = only_line(lambda: logging.getLogger("shop").warning({"event": "paid", "_name": "x"}))
    assert (line["message"], extras(line)) == ("", {"extra_event": "paid", "_name": "x"})
