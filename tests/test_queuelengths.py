"""Queues' lengths come over one connection, which is opened again when it broke."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from demo_services.ports import free_port
from django_observe import queuelengths
from django_observe.queuelengths import QueueLengths
from tests.demo.servers import rabbitmq
from tests.processes import Process, require, wait_until


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    program = require("redis-server", "redis-server")
    with Process([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]) as server:
        server.wait_for_line("Ready to accept connections")
        yield port


@pytest.fixture(autouse=True)
def _asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queuelengths, "FRESH_SECONDS", 0)


def app_of(broker: str) -> Celery:
    return Celery("asked", broker=broker, set_as_current=False)


def answers(lengths: QueueLengths, expected: dict[str, int]) -> None:
    """Within its deadline, on a busy machine."""
    wait_until(lambda: lengths.of([*expected]) == expected, f"the lengths {expected}")


def test_redis_is_asked_over_one_connection_that_may_break(port: int) -> None:
    lengths = QueueLengths(app_of(f"redis://127.0.0.1:{port}/0"))
    with Redis(port=port) as client:
        client.lpush("slow", "a", "b")
        answers(lengths, {"fast": 0, "slow": 2})
        opened = client.info()["total_connections_received"]
        for _ in range(3):
            answers(lengths, {"fast": 0, "slow": 2})
        assert client.info()["total_connections_received"] == opened
        for connected in client.client_list():
            if int(connected["id"]) != client.client_id():
                client.client_kill(connected["addr"])
        assert lengths.of(["slow"]) == {"slow": 2}
        lengths.close()
        wait_until(lambda: len(client.client_list()) == 1, "nobody else to be connected")
        answers(lengths, {"slow": 2})
        lengths.close()


def test_rabbitmq_is_asked_over_one_connection_that_may_break() -> None:
    with rabbitmq() as broker:
        app = app_of(broker)
        lengths = QueueLengths(app)
        app.send_task("any", queue="slow", ignore_result=True)
        answers(lengths, {"fast": 0, "slow": 1})
        connection: Any = lengths._connection
        answers(lengths, {"fast": 0, "slow": 1})
        assert lengths._connection is connection
        opened: socket.socket = connection.connection.transport.sock
        assert any(opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)), "it would wait for ever"
        opened.shutdown(socket.SHUT_RDWR)
        answers(lengths, {"fast": 0, "slow": 1})
        assert lengths._connection is not connection
        lengths.close()
        app.close()


def test_a_forked_process_leaves_the_connection_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = QueueLengths(app_of(f"redis://127.0.0.1:{port}/0"))
    answers(lengths, {"slow": 0})
    connection, pid = lengths._connection, os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    lengths.close()
    assert connection.connected
    monkeypatch.undo()
    connection.close()


def test_only_brokers_that_are_known_to_be_free_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(QueueLengths(app_of("memory://")), {"slow": 0})
    monkeypatch.delitem(queuelengths.TRANSPORT_OPTIONS, "memory")
    assert QueueLengths(app_of("memory://")).of(["slow"]) == {}
