"""The fields of a line that come from a log record: scrubbed and capped, under names that are not ours."""

from __future__ import annotations

import logging
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS

from django_observe import librarylines, privacy, querylines, structlogevent
from django_observe.json import CORE, MADE, core
from django_observe.logcontext import CONTEXT, FIELDS, kept, stamp
from django_observe.reporting import guard
from django_observe.vocabulary import Field

MAX_EXTRAS: Final = 64
_CAPTURED = (Field.CORRELATION_ID, Field.TRACE_ID, Field.SPAN_ID)
_OURS = frozenset(value for name, value in vars(Field).items() if name.isupper())
_OPENTELEMETRYS = ("otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName")
_NOT_EXTRA = frozenset(
    {*RESERVED_ATTRS, "taskName", CONTEXT, FIELDS, MADE, *_CAPTURED, "color_message", *_OPENTELEMETRYS}
)
"""Attributes every record has, ours, uvicorn's second, coloured copy of its message, and what
OpenTelemetry's LoggingInstrumentor says once more."""

_DJANGO_REQUEST, _CELERY_DATA = "request", "data"


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of one line: ours first, then those of the request, task or error, then the extras."""
    attributes = record.__dict__
    fields = kept(record, FIELDS)
    message = record.msg if fields is not None else message_of(record)
    line = core(record.created, record.levelname, record.name, message, stamp(record))
    if fields is not None:
        line.update(fields)
        return line
    if record.exc_info or record.exc_text or record.stack_info or type(record.msg) is dict:
        line.update(_error(record))
    if type(record.msg) is dict:
        if structlogevent.is_one(record):
            private = structlogevent.PRIVATE
            attributes = {name: value for name, value in attributes.items() if name not in private}
        said = line[Field.MESSAGE] != ""
        _add(
            line,
            {name: value for name, value in _dict_of(record).items() if not (said and name == Field.MESSAGE)},
        )
    if record.name in querylines.LOGGERS:
        attributes = querylines.extras(record)
    if not attributes.keys() <= _NOT_EXTRA:
        _add(line, {name: value for name, value in attributes.items() if name not in _NOT_EXTRA})
    return line


def message_of(record: logging.LogRecord) -> str:
    """The record's message, scrubbed and capped; arguments that do not fit it are put beside it."""
    message = record.msg
    if type(message) is dict:
        message = _dict_of(record).get(Field.MESSAGE, "")
        return privacy.scrub_text(message) if type(message) is str else ""
    with guard("json"):
        return privacy.scrub_text(librarylines.message_of(record))
    arguments = privacy.safe(record.args)
    return privacy.scrub_text(f"{privacy.safe(message)} [bad arguments: {arguments}]")


def _dict_of(record: logging.LogRecord) -> dict[Any, Any]:
    """What a record says whose message is a dict."""
    if structlogevent.is_one(record):
        return structlogevent.plain(record)
    return record.msg  # type: ignore[return-value]


def _error(record: logging.LogRecord) -> dict[str, str]:
    error: BaseException | str | None = record.exc_info[1] if record.exc_info else None
    if error is None and structlogevent.is_one(record):
        error = structlogevent.error_of(record.msg)  # type: ignore[arg-type]
    if isinstance(error, BaseException):
        failure = privacy.failure_of(error)
        return {
            Field.ERROR_TYPE: failure.type,
            Field.ERROR_MESSAGE: failure.message,
            Field.STACK: failure.stack,
        }
    stack = error or record.exc_text or record.stack_info
    return {Field.STACK: privacy.scrub_text(str(stack))} if stack else {}


def _add(line: dict[str, Any], extras: dict[Any, Any]) -> None:
    for key, value in extras.items():
        if len(line) >= len(CORE) + MAX_EXTRAS:
            return
        if _is_carrier(key, value, line[Field.LOGGER]):
            continue
        name = privacy.scrub_text(key, privacy.MAX_NAME) if type(key) is str else str(privacy.safe(key))
        name = f"extra_{name}" if name in _OURS or name in line else name
        line[name] = privacy.named(name, value)


def _is_carrier(key: Any, value: Any, logger: str) -> bool:
    """Whether this is Django's request (or socket), or a task's arguments, attached to their own records."""
    if key == _DJANGO_REQUEST:
        return type(value) not in (str, int, float, bool, dict, list, tuple)
    return bool(key == _CELERY_DATA and logger.startswith("celery."))
