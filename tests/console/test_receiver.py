"""OTLP in: the official exporter, JSON by hand, and every answer the specification asks for."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from urllib.parse import urlsplit

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.console.running import JSON, PROTOBUF, Console, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
def test_the_official_exporter_delivers_spans(console: Console, compression: Compression) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "official"}))
    exporter = OTLPSpanExporter(f"{console.otlp}/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("scope")
    with tracer.start_as_current_span("parent", attributes={"a": 1, "b": [1.5, 2.5], "c": True}) as parent:
        tracer.start_span("child").end()
    provider.shutdown()
    context = parent.get_span_context()
    found = {one["name"]: one for one in console.spans(format(context.trace_id, "032x"))}
    assert found["child"]["parentSpanId"] == found["parent"]["spanId"] == format(context.span_id, "016x")
    assert {one["key"]: one["value"] for one in found["parent"]["attributes"]} == {
        "a": {"intValue": "1"},
        "b": {"arrayValue": {"values": [{"doubleValue": 1.5}, {"doubleValue": 2.5}]}},
        "c": {"boolValue": True},
    }


def test_the_official_exporter_delivers_log_records(console: Console) -> None:
    provider = LoggerProvider(resource=Resource.create({"service.name": "official"}))
    exporter = OTLPLogExporter(f"{console.otlp}/v1/logs")
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    record = LogRecord(
        timestamp=1_795_000_000_123_456_789,
        severity_number=SeverityNumber.WARN,
        body="disk is filling up",
        attributes={"correlation_id": "official-logs", "logger": "disk"},
    )
    provider.get_logger("scope").emit(record)
    provider.shutdown()
    (found,) = console.json("/api/logs", correlation_id="official-logs")["logs"]
    assert found == {
        "timestamp": "2026-11-18T11:06:40.123456Z",
        "service": "official",
        "level": "WARNING",
        "logger": "disk",
        "message": "disk is filling up",
        "correlation_id": "official-logs",
        "trace_id": None,
        "span_id": None,
        "attributes": {"correlation_id": "official-logs", "logger": "disk"},
    }


def test_json_answers_json_and_ids_are_hex(console: Console) -> None:
    trace, one = trace_id(), span_id()
    answer = console.post("/v1/traces", json.dumps(traces("hex", span(trace, one))).encode())
    assert (answer.status, answer.headers["Content-Type"], json.loads(answer.body)) == (200, JSON, {})
    assert [(found["traceId"], found["spanId"]) for found in console.spans(trace)] == [(trace, one)]


def test_metrics_are_taken_and_counted_as_not_shown(console: Console) -> None:
    before = console.json("/api/status")["accepted"].get("metric_requests", 0)
    assert console.send("/v1/metrics", {"resourceMetrics": []}) == {}
    assert console.json("/api/status")["accepted"]["metric_requests"] == before + 1


def test_a_span_sent_twice_is_kept_once(console: Console) -> None:
    trace = trace_id()
    batch = traces("twice", span(trace, span_id()), span(trace, span_id()))
    console.send("/v1/traces", batch)
    console.send("/v1/traces", batch)
    assert len(console.spans(trace)) == 2
    assert "<dt>Spans</dt><dd>2</dd>" in console.get(f"/trace/{trace}").text


def test_one_bad_record_is_reported_and_the_others_are_kept(console: Console) -> None:
    trace = trace_id()
    bad = [span("0" * 32, span_id()), span(trace, "12"), span("not hex", span_id()), span(trace, "")]
    answer = console.send("/v1/traces", traces("partial", span(trace, span_id()), *bad))
    assert answer["partialSuccess"]["rejectedSpans"] == "4"
    assert "trace_id" in answer["partialSuccess"]["errorMessage"]
    assert len(console.spans(trace)) == 1
    answer = console.send(
        "/v1/logs", logs("partial", log("kept", traceId=trace), log("lost", traceId="abcd"))
    )
    assert answer["partialSuccess"]["rejectedLogRecords"] == "1"
    assert [one["message"] for one in console.json("/api/logs", trace_id=trace)["logs"]] == ["kept"]


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe garbage", b"\x0a\xff\xff\xff\xff\x0f", bytes(range(256)) * 40],
    ids=["text", "length", "bytes"],
)
def test_garbage_protobuf_is_400_with_a_status_message(console: Console, body: bytes) -> None:
    answer = console.post("/v1/traces", body, {"Content-Type": PROTOBUF})
    assert (answer.status, answer.headers["Content-Type"]) == (400, PROTOBUF)
    assert "Not a valid OTLP request" in Status.FromString(answer.body).message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"resourceSpans": 7}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": {}}]}]}]}',
        b"\xff\xfe\x00",
        b'{"resourceSpans": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=["cut", "list", "number", "object-time", "binary", "deep"],
)
def test_garbage_json_is_400_with_a_status_message(console: Console, body: bytes) -> None:
    answer = console.post("/v1/traces", body)
    assert (answer.status, answer.headers["Content-Type"]) == (400, JSON)
    assert json.loads(answer.body)["code"] == 3


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_an_empty_request_is_valid(console: Console, path: str, kind: str) -> None:
    assert console.post(path, b"", {"Content-Type": kind}).status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status", "part"),
    [
        ({"Content-Type": "text/plain"}, b"x", 415, "application/x-protobuf"),
        ({"Content-Type": "application/grpc"}, b"x", 415, "http/protobuf"),
        ({"Content-Encoding": "br"}, b"x", 415, "gzip"),
        ({"Content-Encoding": "gzip"}, b"plain {}", 400, "not gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}", mtime=0)[:-4], 400, "one complete gzip member"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}", mtime=0) * 2, 400, "one complete gzip member"),
        ({}, b" " * (4 * 1024 * 1024 + 1), 413, "smaller batches"),
    ],
    ids=["text", "grpc", "brotli", "not-gzip", "cut-gzip", "two-members", "too-large"],
)
def test_refusals_say_why(
    console: Console, headers: dict[str, str], body: bytes, status: int, part: str
) -> None:
    answer = console.post("/v1/traces", body, headers)
    assert answer.status == status
    assert part.encode() in answer.body
    assert part in console.json("/api/status")["last_refusal"]["reason"]


def test_a_gzip_bomb_is_refused_and_the_console_lives(console: Console) -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1024 * 1024)
    bomb = b"".join(squeezer.compress(block) for _ in range(256)) + squeezer.flush()
    answer = console.post("/v1/traces", bomb, {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status == 413
    assert console.send("/v1/traces", {}) == {}


def test_get_is_405_and_unknown_paths_are_told_where_otlp_goes(console: Console) -> None:
    parts = urlsplit(console.otlp)
    exchange = b"GET /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n"
    head = raw(parts.port or 0, exchange)
    assert b" 405 " in head
    assert b"Allow: POST" in head
    answer = console.post("/", b"{}")
    assert answer.status == 404
    assert b"/v1/traces" in answer.body
    grpc = console.post("/opentelemetry.proto.collector.trace.v1.TraceService/Export", b"")
    assert grpc.status == 415


def test_a_body_that_ends_early_is_not_taken_for_the_whole(console: Console) -> None:
    trace = trace_id()
    body = ExportTraceServiceRequest()
    for _ in range(2):
        one = body.resource_spans.add().scope_spans.add().spans.add()
        one.trace_id, one.span_id = bytes.fromhex(trace), bytes.fromhex(span_id())
    half = body.SerializeToString()[: body.ByteSize() // 2]
    lines = ["POST /v1/traces HTTP/1.1", "Host: localhost", f"Content-Type: {PROTOBUF}"]
    head = "\r\n".join([*lines, f"Content-Length: {body.ByteSize()}", "", ""])
    answer = raw(urlsplit(console.otlp).port or 0, head.encode() + half, end=True)
    assert b" 400 " in answer
    assert console.spans(trace) == []


def test_grpc_on_the_http_port_is_recognised(console: Console) -> None:
    answer = raw(urlsplit(console.otlp).port or 0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"415" in answer
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in console.json("/api/status")["last_refusal"]["reason"]


def test_values_that_would_sink_a_batch_are_tamed(console: Console) -> None:
    trace = trace_id()
    odd = span(
        trace,
        span_id(),
        "nul \x00 and \ud83d alone",
        startTimeUnixNano=str(2**64 - 1),
        endTimeUnixNano="0",
        attributes=[*attributes({"big": "x" * 20_000}), {"key": "nan", "value": {"doubleValue": "NaN"}}],
    )
    console.send("/v1/traces", traces("odd", odd, span(trace, span_id(), "sound")))
    found = {one["name"]: one for one in console.spans(trace)}
    assert set(found) == {"nul \ufffd and ? alone", "sound"}
    assert found["nul \ufffd and ? alone"]["startTimeUnixNano"] == str(2**63 - 1)
    values = {
        one["key"]: one["value"]["stringValue"] for one in found["nul \ufffd and ? alone"]["attributes"]
    }
    assert values["nan"] == "nan"
    assert values["big"].endswith("[3616 characters cut]")
    assert console.get(f"/trace/{trace}").status == 200


@pytest.mark.parametrize(("depth", "status"), [(30, 200), (3000, 400)])
def test_nesting_of_values_is_bounded(console: Console, depth: int, status: int) -> None:
    text = '{"arrayValue":{"values":[' * depth + '{"stringValue":"core"}' + "]}}" * depth
    body = json.dumps(traces("deep", span(trace_id(), span_id(), attributes=[{"key": "n", "value": 0}])))
    answer = console.post("/v1/traces", body.replace('"value": 0', f'"value": {text}').encode())
    assert answer.status == status


def test_surplus_attributes_and_events_are_counted(console: Console) -> None:
    trace = trace_id()
    many = attributes({f"k{number}": number for number in range(200)})
    events = [{"name": "tick", "timeUnixNano": "1"} for _ in range(300)]
    console.send("/v1/traces", traces("many", span(trace, span_id(), attributes=many, events=events)))
    (found,) = console.spans(trace)
    assert len(found["attributes"]) == 129
    assert {"key": "observe.dropped_attributes", "value": {"intValue": "72"}} in found["attributes"]
    assert len(found["events"]) == 128


def raw(port: int, exchange: bytes, *, end: bool = False) -> bytes:
    """Everything that comes back for `exchange` until the peer is silent for a second or closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(exchange)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            pass
        return answer
