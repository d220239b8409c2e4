"""Django's own lines about its queries (`django.db.backends`, DEBUG), without the values in them."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.db import connections

from django_observe.sqltext import without_values

LOGGERS: Final = ("django.db.backends", "django.db.backends.schema")
PARAMETERS: Final = "params"
STATEMENT: Final = "sql"


def message_of(record: logging.LogRecord) -> str:
    """How long it took, the statement, and on which database; never what it was run with."""
    attributes = record.__dict__
    sql, duration = attributes.get(STATEMENT), attributes.get("duration")
    if sql is None:
        return record.getMessage()
    told = statement(record, sql)
    if isinstance(duration, float):
        told = f"({duration:.3f}) {told}"
    return f"{told}; alias={attributes['alias']}" if "alias" in attributes else told


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """The record's extras as they may be told."""
    told = {name: value for name, value in record.__dict__.items() if name != PARAMETERS}
    if told.get(STATEMENT) is not None:
        told[STATEMENT] = statement(record, told[STATEMENT])
    return told


def statement(record: logging.LogRecord, sql: Any) -> str:
    """A record's statement without values, in the dialect of its database."""
    database = connections.settings.get(record.__dict__.get("alias", "default"), {})
    return without_values(str(sql), str(database.get("ENGINE", "")))
