"""Log records written by hand are what protobuf makes of them, whatever their fields are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
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

from django_observe import logattributes, logencoding, provider

EXAMPLES = int(os.environ.get("FUZZ", "100"))
NATIVE = {"timestamp", "level", "message", "trace_id", "span_id", "service", "environment", "version"}
SEVERITIES = {
    5: SeverityNumber.SEVERITY_NUMBER_TRACE,
    10: SeverityNumber.SEVERITY_NUMBER_DEBUG,
    20: SeverityNumber.SEVERITY_NUMBER_INFO,
    25: SeverityNumber.SEVERITY_NUMBER_INFO,
    30: SeverityNumber.SEVERITY_NUMBER_WARN,
    40: SeverityNumber.SEVERITY_NUMBER_ERROR,
    50: SeverityNumber.SEVERITY_NUMBER_FATAL,
    99: SeverityNumber.SEVERITY_NUMBER_FATAL,
}


class Text(str):
    """Of a subclass, as names of a library's may be."""

    __slots__ = ()


surrogates = st.text(st.characters(exclude_categories=()), max_size=30)
scalars = st.one_of(
    st.text(max_size=200), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.none()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
fields = st.builds(
    lambda known, further: {**further, **known},
    st.fixed_dictionaries(
        {},
        optional={
            "message": surrogates,
            "level": st.sampled_from(["INFO", Text("INFO"), "\ud800"]),
            "trace_id": st.sampled_from(["0af7651916cd43dd8448eb211c80319c", "", None]),
            "span_id": st.sampled_from(["b7ad6b7169203331", "", None]),
            "service": st.just("shop"),
            "queue": surrogates.map(Text),
            "route": surrogates,
        },
    ),
    st.dictionaries(st.text(max_size=10).filter(lambda name: name not in NATIVE), values, max_size=8),
)
lines = st.lists(st.tuples(st.floats(0, 4e9), st.sampled_from(sorted(SEVERITIES)), fields), max_size=3)


def reference(batch: Sequence[tuple[float, int, Mapping[str, Any]]]) -> ExportLogsServiceRequest:
    resource = Resource(attributes=pairs(provider.resource().attributes))
    scope = InstrumentationScope(name="django_observe")
    logs = ScopeLogs(scope=scope, log_records=[record(*line) for line in batch])
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[logs])])


def record(created: float, level: int, said: Mapping[str, Any]) -> LogRecord:
    further = {name: encodable(value) for name, value in said.items() if name not in NATIVE}
    return LogRecord(
        time_unix_nano=int(created * 1e9),
        observed_time_unix_nano=int(created * 1e9),
        severity_number=SEVERITIES[level],
        severity_text=encodable(said.get("level", "")),
        body=AnyValue(string_value=encodable(said.get("message", ""))),
        attributes=pairs(logattributes.fitted(further)),
        trace_id=bytes.fromhex(said.get("trace_id") or ""),
        span_id=bytes.fromhex(said.get("span_id") or ""),
    )


def encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def pairs(given: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=name, value=any_value(value)) for name, value in given.items() if value is not None]


def any_value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
    return AnyValue(kvlist_value=KeyValueList(values=pairs(value))) if value is not None else AnyValue()


@settings(max_examples=EXAMPLES, deadline=None)
@given(lines)
def test_lines_are_encoded_as_protobuf_does(batch: list[tuple[float, int, dict[str, Any]]]) -> None:
    ours = ExportLogsServiceRequest.FromString(logencoding.encode(batch))
    theirs = reference(batch)
    resource = {pair.key: str(pair.value) for pair in ours.resource_logs[0].resource.attributes}
    expected = {pair.key: str(pair.value) for pair in theirs.resource_logs[0].resource.attributes}
    assert {**resource, "service.instance.id": ""} == {**expected, "service.instance.id": ""}
    assert str(ours.resource_logs[0].scope_logs) == str(theirs.resource_logs[0].scope_logs)
