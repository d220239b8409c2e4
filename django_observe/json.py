"""One JSON line per log record: flat, strict (RFC 8259), capped, and never an exception for the caller.

For a project's own LOGGING: `"formatters": {"json": {"()": "django_observe.json.JsonFormatter"}}`.
"""

from __future__ import annotations

import logging
import time
from math import floor
from typing import Any, Final

import orjson
from pythonjsonlogger.orjson import OrjsonFormatter

from django_observe import conf
from django_observe.logcontext import Context, keep
from django_observe.reporting import guard
from django_observe.vocabulary import Field

MAX_LINE = 65_536
"""Bytes of one line; agents and Loki cut or refuse longer ones."""

TRUNCATED: Final = "truncated_fields"
MADE: Final = "_observe_made"
"""Attribute of a record that keeps the fields of its line for the handler that exports them."""

keeps_made = False
"""Whether there is such a handler."""

CORE: Final = (
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
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_seconds: tuple[int, str] = (0, "1970-01-01T00:00:00")


class JsonFormatter(OrjsonFormatter):
    """The formatter of this package's handlers, built on python-json-logger's."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, whatever the record holds."""
        with guard("json"):
            line = document(record)
            if keeps_made:
                keep(record, MADE, line)
            return encoded(line)
        return orjson.dumps(last_resort(record)).decode()


def document(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of one line: ours first, then those of the request, task or error, then the extras."""
    from django_observe import recordfields  # most commands log nothing: saves 100 M of their 1,270 M

    return recordfields.fields_of(record)


def core(created: float, level: str, logger: str, message: Any, context: Context) -> dict[str, Any]:
    """The fields that every line has, first."""
    service, environment, version = conf.identity()
    correlation_id, trace_id, span_id = context
    return {
        Field.TIMESTAMP: timestamp(created),
        Field.LEVEL: level,
        Field.LOGGER: logger,
        Field.MESSAGE: message,
        Field.SERVICE: service,
        Field.ENVIRONMENT: environment,
        Field.VERSION: version,
        Field.CORRELATION_ID: correlation_id,
        Field.TRACE_ID: trace_id,
        Field.SPAN_ID: span_id,
    }


def encoded(line: dict[str, Any]) -> str:
    """`line` as at most MAX_LINE bytes of JSON, and as one line, by Unicode's line breaks too."""
    try:
        data = orjson.dumps(line)
    except TypeError:
        from django_observe import privacy

        line = {name: privacy.safe(value) for name, value in line.items()}
        data = orjson.dumps(line)
    if len(data) > MAX_LINE:
        data = orjson.dumps(fitted(line, MAX_LINE))
    text = data.decode()
    return text if text.isascii() else text.translate(_BREAKS)


def fitted(line: dict[str, Any], most: int) -> dict[str, Any]:
    """`line` cut to `most` bytes: texts shortened first, then what does not fit left out and counted."""
    from django_observe import privacy

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


def timestamp(created: float) -> str:
    """RFC 3339 in UTC with microseconds; `datetime.isoformat` takes 14k instructions more."""
    global _seconds
    created += 0.000_000_5
    second = floor(created)
    known, text = _seconds
    if second != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _seconds = (second, text)
    return f"{text}.{floor((created - second) * 1_000_000):06d}Z"


def last_resort(record: logging.LogRecord) -> dict[str, Any]:
    """The least a line can say, of values that cannot fail; its loss of detail is counted by the guard."""
    level = record.levelname if type(record.levelname) is str else "ERROR"
    name = record.name if type(record.name) is str else "?"
    return {
        Field.TIMESTAMP: timestamp(time.time()),
        Field.LEVEL: level.encode("ascii", "replace").decode(),
        Field.LOGGER: name.encode("ascii", "replace").decode(),
        Field.MESSAGE: "[this record could not be formatted]",
    }
