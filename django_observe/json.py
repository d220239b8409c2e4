"""One JSON line per log record: flat, strict (RFC 8259), capped, and never an exception for the caller.

For a project's own LOGGING: `"formatters": {"json": {"()": "django_observe.json.JsonFormatter"}}`.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

from django_observe import conf, privacy
from django_observe.logcontext import CONTEXT, FIELDS, stamp
from django_observe.reporting import guard
from django_observe.vocabulary import Field

MAX_LINE = 65_536
"""Bytes of one line; agents and Loki cut or refuse longer ones."""

MAX_EXTRAS = 64
TRUNCATED: Final = "truncated_fields"

_CORE = (
    Field.TIMESTAMP,
    Field.LEVEL,
    Field.LOGGER,
    Field.MESSAGE,
    Field.SERVICE,
    Field.ENVIRONMENT,
    Field.VERSION,
    Field.CORRELATION_ID,
    Field.TRACE_ID,
    Field.SPAN_ID,
)
_CAPTURED = (Field.CORRELATION_ID, Field.TRACE_ID, Field.SPAN_ID)
_OURS = frozenset(value for name, value in vars(Field).items() if name.isupper())
_NOT_EXTRA = frozenset({*RESERVED_ATTRS, "taskName", CONTEXT, FIELDS, *_CAPTURED, "color_message"})
"""Attributes every record has, ours, and uvicorn's second, coloured copy of its message."""

_DJANGO_REQUEST, _CELERY_DATA = "request", "data"
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_seconds: tuple[int, str] = (0, "1970-01-01T00:00:00")


class JsonFormatter(OrjsonFormatter):
    """The formatter of this package's handlers, built on python-json-logger's."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, whatever the record holds."""
        with guard("json"):
            return encoded(document(record))
        return _last_resort(record)


def document(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of one line: ours first, then those of the request, task or error, then the extras."""
    service, environment, version = conf.identity()
    correlation_id, trace_id, span_id = stamp(record)
    attributes = record.__dict__
    fields = attributes.get(FIELDS)
    line: dict[str, Any] = {
        Field.TIMESTAMP: timestamp(record.created),
        Field.LEVEL: record.levelname,
        Field.LOGGER: record.name,
        Field.MESSAGE: record.msg if fields is not None else message_of(record),
        Field.SERVICE: service,
        Field.ENVIRONMENT: environment,
        Field.VERSION: version,
        Field.CORRELATION_ID: correlation_id,
        Field.TRACE_ID: trace_id,
        Field.SPAN_ID: span_id,
    }
    if fields is not None:
        line.update(fields)
        return line
    if record.exc_info or record.exc_text or record.stack_info:
        line.update(_error(record))
    if type(record.msg) is dict:
        said = line[Field.MESSAGE] != ""
        _add(
            line, {name: value for name, value in record.msg.items() if not (said and name == Field.MESSAGE)}
        )
    _add(line, {name: value for name, value in attributes.items() if name not in _NOT_EXTRA})
    return line


def encoded(line: dict[str, Any]) -> str:
    """`line` as at most MAX_LINE bytes of JSON, and as one line, by Unicode's line breaks too."""
    try:
        data = orjson.dumps(line)
    except TypeError:
        line = {name: privacy.safe(value) for name, value in line.items()}
        data = orjson.dumps(line)
    if len(data) > MAX_LINE:
        data = orjson.dumps(fitted(line, MAX_LINE))
    text = data.decode()
    return text if text.isascii() else text.translate(_BREAKS)


def fitted(line: dict[str, Any], most: int) -> dict[str, Any]:
    """`line` cut to `most` bytes: texts shortened first, then what does not fit left out and counted."""
    left, lost, kept = most - 1_024, 0, {}
    for name, value in line.items():
        size = len(orjson.dumps({name: value}))
        if size > left and type(value) is str:
            value = privacy.cut(value, max(left // 8 - len(name), 0))  # noqa: PLW2901
            size = len(orjson.dumps({name: value}))
        if size > left:
            lost += 1
            continue
        left -= size
        kept[name] = value
    return {**kept, TRUNCATED: lost} if lost else kept


def message_of(record: logging.LogRecord) -> str:
    """The record's message, scrubbed and capped; arguments that do not fit it are put beside it."""
    message = record.msg
    if type(message) is dict:
        message = message.get(Field.MESSAGE, "")
        return privacy.scrub_text(message) if type(message) is str else ""
    with guard("json"):
        return privacy.scrub_text(record.getMessage())
    arguments = privacy.safe(record.args)
    return privacy.scrub_text(f"{privacy.safe(message)} [bad arguments: {arguments}]")


def timestamp(created: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    global _seconds
    second = int(created // 1)
    known, text = _seconds
    if second != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _seconds = (second, text)
    return f"{text}.{min(round((created - second) * 1_000_000), 999_999):06d}Z"


def _error(record: logging.LogRecord) -> dict[str, str]:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        failure = privacy.failure_of(error)
        return {
            Field.ERROR_TYPE: failure.type,
            Field.ERROR_MESSAGE: failure.message,
            Field.STACK: failure.stack,
        }
    stack = record.exc_text or record.stack_info
    return {Field.STACK: privacy.scrub_text(str(stack))} if stack else {}


def _add(line: dict[str, Any], extras: dict[Any, Any]) -> None:
    for key, value in extras.items():
        if len(line) >= len(_CORE) + MAX_EXTRAS:
            return
        if _is_carrier(key, value, line[Field.LOGGER]):
            continue
        name = privacy.scrub_text(key, privacy.MAX_NAME) if type(key) is str else str(privacy.safe(key))
        name = f"extra_{name}" if name in _OURS or name in line else name
        hidden = value is not None and privacy.is_secret(name)
        line[name] = privacy.MASK if hidden else privacy.safe(value)


def _is_carrier(key: Any, value: Any, logger: str) -> bool:
    """Whether this is Django's request (or socket), or a task's arguments, attached to their own records."""
    if key == _DJANGO_REQUEST:
        return type(value) not in (str, int, float, bool, dict, list, tuple)
    return bool(key == _CELERY_DATA and logger.startswith("celery."))


def _last_resort(record: logging.LogRecord) -> str:
    """The least a line can say, of values that cannot fail; its loss of detail is counted by the guard."""
    level = record.levelname if type(record.levelname) is str else "ERROR"
    name = record.name if type(record.name) is str else "?"
    return orjson.dumps(
        {
            Field.TIMESTAMP: timestamp(time.time()),
            Field.LEVEL: level.encode("ascii", "replace").decode(),
            Field.LOGGER: name.encode("ascii", "replace").decode(),
            Field.MESSAGE: "[this record could not be formatted]",
        }
    ).decode()
