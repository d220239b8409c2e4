"""Messages of any other broker: a Redis stream, Kafka's headers, gRPC."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from demo_services.ports import free_port
from tests.collector import Collector
from tests.conformance.rows import Row, row
from tests.conformance.services import PROJECT, ROOT, Program, Server, Servers, environment
from tests.processes import Process


@pytest.fixture(scope="module")
def stream() -> str:
    return f"orders-{free_port()}"


@pytest.fixture(scope="module")
def sender(servers: Servers) -> Server:
    return servers["gunicorn gthread"]


@pytest.fixture(scope="module")
def consumer(collector: Collector, redis_url: str, stream: str) -> Iterator[Program]:
    argv = [sys.executable, "-m", f"{PROJECT}.consumer", redis_url, stream]
    with Process(argv, cwd=ROOT, env=environment(collector)) as process:
        process.wait_for_line("ready")
        yield Program(process)


@pytest.fixture(scope="module")
def rpc(collector: Collector) -> Iterator[tuple[Program, str]]:
    address = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", f"{PROJECT}.rpc", address]
    with Process(argv, cwd=ROOT, env=environment(collector)) as process:
        process.wait_for_line("ready")
        yield Program(process), address


@row("elsewhere", "event in a Redis stream (XADD, XREADGROUP)")
def test_redis_streams(row: Row, sender: Server, consumer: Program, redis_url: str, stream: str) -> None:
    sender.get("/messages/event/", row, broker=redis_url, stream=stream)
    seen = consumer.witness(row, "consumer")
    row.expect_id(seen)
    path = row.expect_trace(seen)
    row.expect_clean(consumer)
    row.expect_clean(sender)
    with row.aspect("also"):
        assert [span.name for span in path] == ["process order_created", "GET messages/event/"]


@row("elsewhere", "Kafka's headers (pairs of bytes), by OpenTelemetry's propagation")
def test_kafka_headers(row: Row, sender: Server, consumer: Program, redis_url: str, stream: str) -> None:
    sender.get("/messages/record/", row, broker=redis_url, stream=stream)
    row.expect(consumer.witness(row, "extracted"), consumer)
    row.expect_clean(sender)


@row("elsewhere", "Kafka's headers (pairs of bytes), by `continued()`")
def test_kafka_continued(row: Row, sender: Server, consumer: Program, redis_url: str, stream: str) -> None:
    sender.get("/messages/record/", row, broker=redis_url, stream=stream)
    row.expect(consumer.witness(row, "continued"), consumer)
    row.expect_clean(sender)


@row("elsewhere", "gRPC, {kind}")
@pytest.mark.parametrize("kind", ["unary", "server_streaming", "client_streaming", "bidirectional"])
def test_grpc(row: Row, kind: str, sender: Server, rpc: tuple[Program, str]) -> None:
    server, address = rpc
    answer = sender.get(f"/messages/rpc/{kind}/", row, address=address)
    seen = server.witness(row, "rpc")
    row.expect_id(seen)
    path = row.expect_trace(seen)
    row.expect_clean(server)
    row.expect_clean(sender)
    with row.aspect("also"):
        assert [span.name for span in path[:2]] == [f"/conformance.Orders/{kind}"] * 2
        told = answer.text.split()
        every = server.witnesses(row, "rpc", len(told))
        assert [line["correlation_id"] for line in every] == [row.identifier] * len(told)
