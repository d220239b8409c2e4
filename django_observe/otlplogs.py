"""Log records on their way out by OTLP: the fields of the JSON line, through the same delivery as spans."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from sys import getsizeof
from time import time
from typing import Any, TypeAlias

import orjson

from django_observe import conf, export, json
from django_observe.delivery import is_delivering
from django_observe.logcontext import kept
from django_observe.logway import Exporter
from django_observe.reporting import guard

NOT_EXPORTED = "opentelemetry."
"""Loggers of what may send telemetry beside us: exported, each of their lines could cause the next."""

Line: TypeAlias = tuple[float, int, Mapping[str, Any]]
"""Unix time, level and fields of one record."""


class ExportHandler(Exporter):
    """Queues each record for export. Never raises and never waits, for other threads neither."""

    def __init__(self) -> None:
        super().__init__()
        self._pipeline = export.pipeline("logs")
        json.keeps_made = True

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Without the handler's lock: a value whose `__str__` is slow holds up nobody else who logs."""
        kept: Any = self.filter(record)
        if kept:
            self.emit(record if kept is True else kept)
        return kept  # type: ignore[no-any-return]

    def emit(self, record: logging.LogRecord) -> None:
        """Takes the record's fields as they are now; lines about the sending itself are left out."""
        if is_delivering.get() or record.name.startswith(NOT_EXPORTED) or self._pipeline.refuses():
            return
        with guard("otlplogs"):
            made = kept(record, json.MADE)
            record.__dict__.pop(json.MADE, None)
            if made is None or self.filters:  # a filter of ours may have changed the record since
                made = json.document(record)
            self._offer(record.created, record.levelno, made)
            return
        self._offer(time(), logging.ERROR, json.last_resort(record))

    def _offer(self, created: float, level: int, fields: dict[str, Any]) -> None:
        size = _size(fields)
        if size > json.MAX_LINE:
            fields = json.fitted(fields, json.MAX_LINE)
            size = _size(fields)
        self._pipeline.offer((created, level, fields), size)


def _size(fields: Mapping[str, Any]) -> int:
    """About the bytes of memory that a record's values take."""
    size = sum(map(getsizeof, fields.values()))
    for value in fields.values():
        if type(value) is dict or type(value) is list:
            size += len(orjson.dumps(value))
    return size


@lru_cache(maxsize=1)
def _handler() -> ExportHandler:
    return ExportHandler()


def handler() -> logging.Handler | None:
    """The one handler that exports; None unless OTEL_LOGS_EXPORTER=otlp and an endpoint ask for it."""
    return _handler() if conf.exports("logs") else None
