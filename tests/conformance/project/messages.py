"""Views that send: an event to a Redis stream, a record with Kafka's headers, a call to a gRPC server."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import grpc
from django.http import HttpRequest, HttpResponse
from django.urls import path
from kafka.record.memory_records import MemoryRecordsBuilder
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.grpc import client_interceptor
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel
from opentelemetry.instrumentation.kafka.utils import KafkaContextSetter
from redis import Redis

from tests.conformance.project.carriers import outgoing
from tests.conformance.project.rpc import SERVICE


@cache
def broker(url: str) -> Redis:
    """The connections to a broker, kept as a project keeps them."""
    return Redis.from_url(url)


def event(request: HttpRequest) -> HttpResponse:
    """XADD of an event."""
    fields: dict[Any, Any] = {"event": "order_created", "key": request.GET["key"], **outgoing()}
    broker(request.GET["broker"]).xadd(request.GET["stream"], fields)
    return HttpResponse("sent")


def record(request: HttpRequest) -> HttpResponse:
    """A record whose headers are filled as OpenTelemetry's Kafka instrumentation fills them: pairs of bytes.

    As bytes of Kafka's format it goes through a stream, for want of a Kafka.
    """
    headers: list[tuple[str, bytes]] = [("key", request.GET["key"].encode())]
    with trace.get_tracer("conformance").start_as_current_span("orders send", kind=trace.SpanKind.PRODUCER):
        propagate.inject(headers, setter=KafkaContextSetter())
    batch = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=65_536)
    batch.append(timestamp=0, key=None, value=b"order_created", headers=headers)
    batch.close()
    fields: dict[Any, Any] = {"event": "record", "batch": bytes(batch.buffer())}
    broker(request.GET["broker"]).xadd(request.GET["stream"], fields)
    return HttpResponse("sent")


@cache
def channel(address: str) -> grpc.Channel:
    """The connection to a gRPC server, instrumented as its page says."""
    return intercept_channel(grpc.insecure_channel(address), client_interceptor())


def unary(channel: grpc.Channel, key: bytes) -> bytes:
    answer: bytes = channel.unary_unary(f"/{SERVICE}/unary")(key, timeout=10)
    return answer


def server_streaming(channel: grpc.Channel, key: bytes) -> bytes:
    return b" ".join(channel.unary_stream(f"/{SERVICE}/server_streaming")(key, timeout=10))


def client_streaming(channel: grpc.Channel, key: bytes) -> bytes:
    answer: bytes = channel.stream_unary(f"/{SERVICE}/client_streaming")(iter([key, key]), timeout=10)
    return answer


def bidirectional(channel: grpc.Channel, key: bytes) -> bytes:
    return b" ".join(channel.stream_stream(f"/{SERVICE}/bidirectional")(iter([key, key]), timeout=10))


CALLS: dict[str, Callable[[grpc.Channel, bytes], bytes]] = {
    "unary": unary,
    "server_streaming": server_streaming,
    "client_streaming": client_streaming,
    "bidirectional": bidirectional,
}


def call(request: HttpRequest, kind: str) -> HttpResponse:
    """A remote procedure call."""
    return HttpResponse(CALLS[kind](channel(request.GET["address"]), request.GET["key"].encode()))


urlpatterns = [
    path("event/", event),
    path("record/", record),
    path("rpc/<slug:kind>/", call),
]
