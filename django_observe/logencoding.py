"""Log records encoded as OTLP, on the export thread."""

from __future__ import annotations

import logging
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from django_observe import logattributes, provider
from django_observe.otlplogs import Line
from django_observe.vocabulary import Field

_NATIVE = frozenset(
    {
        Field.TIMESTAMP,
        Field.LEVEL,
        Field.MESSAGE,
        Field.TRACE_ID,
        Field.SPAN_ID,
        Field.SERVICE,
        Field.ENVIRONMENT,
        Field.VERSION,
    }
)
"""Fields for which OTLP has a place of its own, in the record or its resource."""

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_SEVERITIES = (
    SeverityNumber.SEVERITY_NUMBER_TRACE,
    SeverityNumber.SEVERITY_NUMBER_DEBUG,
    SeverityNumber.SEVERITY_NUMBER_INFO,
    SeverityNumber.SEVERITY_NUMBER_WARN,
    SeverityNumber.SEVERITY_NUMBER_ERROR,
    SeverityNumber.SEVERITY_NUMBER_FATAL,
)
_SCALARS: dict[type, Any] = {
    str: "string_value",
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
}


def encode(lines: Sequence[Line]) -> bytes:
    """An ExportLogsServiceRequest of `lines`.

    Raises:
        ValueError: when protobuf cannot hold a value.
    """
    scope = ScopeLogs(
        scope=InstrumentationScope(name="django_observe"), log_records=[_record(line) for line in lines]
    )
    request = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=_resource(os.getpid()), scope_logs=[scope])]
    )
    return request.SerializeToString()


def prepare() -> None:
    """Makes this process's resource now: at its exit no thread for the SDK's detectors is to be had."""
    with suppress_instrumentation():  # a detector may ask its cloud by HTTP
        _resource(os.getpid())


def _record(line: Line) -> LogRecord:
    created, level, fields = line
    nanoseconds = int(created * 1e9)
    return LogRecord(
        time_unix_nano=nanoseconds,
        observed_time_unix_nano=nanoseconds,
        severity_number=_SEVERITIES[bisect_right(_LEVELS, level)],
        severity_text=str(fields.get(Field.LEVEL, "")),
        body=AnyValue(string_value=str(fields.get(Field.MESSAGE, ""))),
        attributes=_pairs(
            logattributes.fitted({name: value for name, value in fields.items() if name not in _NATIVE})
        ),
        trace_id=bytes.fromhex(fields.get(Field.TRACE_ID) or ""),
        span_id=bytes.fromhex(fields.get(Field.SPAN_ID) or ""),
    )


def _pairs(fields: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in fields.items() if value is not None]


def _value(value: Any) -> AnyValue:
    kind = _SCALARS.get(type(value))
    if kind is not None:
        return AnyValue(**{kind: value})
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=_pairs(value)))
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    return AnyValue(string_value=str(value)) if value is not None else AnyValue()


@lru_cache(maxsize=1)
def _resource(_pid: int) -> Resource:
    """As the spans' resource; a forked child has its own `service.instance.id`."""
    return Resource(attributes=_pairs(dict(provider.resource().attributes)))
