"""Log records on their way out by OTLP: the fields of the JSON line, through the same delivery as spans."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from django_observe import conf, export, json
from django_observe.reporting import guard

NOT_EXPORTED = ("opentelemetry.", "urllib3.", "requests.")
"""Loggers that speak while telemetry is sent: exported, each of their lines would cause the next."""

Line: TypeAlias = tuple[float, int, Mapping[str, Any]]
"""Unix time, level and fields of one record."""


class ExportHandler(logging.Handler):
    """Queues each record for export. Never raises; waits only for the resource's detectors, once."""

    def __init__(self) -> None:
        super().__init__()
        self._offer: Callable[[Any], None] = export.pipeline("logs").offer
        self._prepared_in: int | None = None

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """A process's first record has the resource made; without the lock, as detectors' threads log."""
        process = os.getpid()
        if self._prepared_in != process:
            self._prepared_in = process
            from django_observe import logencoding  # which knows this module

            with guard("otlplogs"):
                logencoding.prepare()
        return super().handle(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Takes the record's fields as they are now; lines about the sending itself are left out."""
        if record.name.startswith(NOT_EXPORTED) or not is_instrumentation_enabled():
            return
        with guard("otlplogs"):
            self._offer((record.created, record.levelno, json.document(record)))


@lru_cache(maxsize=1)
def _handler() -> ExportHandler:
    return ExportHandler()


def handler() -> logging.Handler | None:
    """The one handler that exports; None unless OTEL_LOGS_EXPORTER=otlp and an endpoint ask for it."""
    return _handler() if conf.exports("logs") else None
