"""OTLP/HTTP: protobuf or JSON in, committed rows, and the answers that the specification asks for.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from django_observe.console import decoding
from django_observe.console.instance import console_of
from django_observe.console.intake import Intake
from django_observe.console.payload import GRPC_HINT, RefusedError, read_payload
from django_observe.console.rows import Decoded
from django_observe.console.writer import BusyError

_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"


@csrf_exempt
def traces(request: HttpRequest) -> HttpResponse:
    """POST /v1/traces."""

    def take(body: bytes, as_json: bool) -> Message:
        decoded = decoding.decode_traces(body, as_json=as_json)
        _commit(request, decoded, "spans", len(decoded.spans))
        answer = ExportTraceServiceResponse()
        if decoded.rejected:
            answer.partial_success.rejected_spans = decoded.rejected
            answer.partial_success.error_message = decoded.reason
        return answer

    return _exchange(request, take)


@csrf_exempt
def logs(request: HttpRequest) -> HttpResponse:
    """POST /v1/logs."""

    def take(body: bytes, as_json: bool) -> Message:
        decoded = decoding.decode_logs(body, as_json=as_json)
        _commit(request, decoded, "logs", len(decoded.logs))
        answer = ExportLogsServiceResponse()
        if decoded.rejected:
            answer.partial_success.rejected_log_records = decoded.rejected
            answer.partial_success.error_message = decoded.reason
        return answer

    return _exchange(request, take)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """POST /v1/metrics: read, counted and not kept, so that exporters of all signals may point here."""

    def take(body: bytes, as_json: bool) -> Message:
        decoding.parse(body, ExportMetricsServiceRequest(), as_json=as_json)
        console_of(request).intake.accept("metric_requests", 1)
        return ExportMetricsServiceResponse()

    return _exchange(request, take)


def unknown(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404 that tells where OTLP goes; gRPC's paths are recognised."""
    grpc = request.path.startswith("/opentelemetry.proto.")
    reason = GRPC_HINT if grpc else "OTLP is received at /v1/traces, /v1/logs and /v1/metrics."
    return _refuse(request, console_of(request).intake, RefusedError(415 if grpc else 404, reason))


def _commit(request: HttpRequest, decoded: Decoded, signal: str, count: int) -> None:
    console = console_of(request)
    if count:
        console.writer.write(decoded)
        console.feed.tell()
    console.intake.accept(signal, count)
    console.intake.drop("invalid_records", decoded.rejected)


def _exchange(request: HttpRequest, take: Callable[[bytes, bool], Message]) -> HttpResponse:
    intake = console_of(request).intake
    try:
        answer = take(read_payload(request), _speaks_json(request))
    except RefusedError as refused:
        return _refuse(request, intake, refused)
    except decoding.UnreadableError as fault:
        return _refuse(request, intake, RefusedError(400, f"Not a valid OTLP request: {fault}"))
    except BusyError as fault:
        return _refuse(
            request, intake, RefusedError(503, f"Not stored, send again: {fault}", {"Retry-After": "1"})
        )
    return _encode(request, answer, 200)


def _refuse(request: HttpRequest, intake: Intake, refused: RefusedError) -> HttpResponse:
    intake.refuse(refused.status, refused.reason)
    response = _encode(
        request, Status(code=_RPC_CODES.get(refused.status, 3), message=refused.reason), refused.status
    )
    for name, value in refused.headers.items():
        response.headers[name] = value
    return response


def _encode(request: HttpRequest, message: Any, status: int) -> HttpResponse:
    """In the encoding of the request, as the specification demands also of errors."""
    if _speaks_json(request):
        return HttpResponse(
            json_format.MessageToJson(message, indent=None), status=status, content_type=_JSON
        )
    return HttpResponse(message.SerializeToString(), status=status, content_type=_PROTOBUF)


def _speaks_json(request: HttpRequest) -> bool:
    return request.content_type == _JSON


_RPC_CODES: Final = {404: 5, 413: 8, 503: 14}  # google.rpc.Code; the rest are INVALID_ARGUMENT
