"""The Celery worker's own metrics page."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest
from django.test import override_settings

from demo_services.ports import free_port
from django_observe import metrics, workerserver
from django_observe.records import TaskEvent
from tests.processes import get


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    with override_settings(DJANGO_OBSERVE={"WORKER_METRICS_PORT": port, "METRICS_TOKEN": "s3cret"}):
        yield port
        workerserver.stop()


def test_it_serves_the_page_once_however_often_it_is_started(port: int) -> None:
    metrics.report(TaskEvent(task="shop.bill", task_id="1", state="RECEIVED"))
    assert workerserver.start() == workerserver.start() == port
    answer = get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status == 200
    assert "celery_task_received_total{" in answer.text
    openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert get(f"http://127.0.0.1:{port}/metrics", openmetrics).text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/metrics?a=b", {}, 200),
        ("/", {}, 404),
        ("/metrics", {"X-Forwarded-For": "10.0.0.1"}, 404),
        ("/metrics", {"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer s3cret"}, 200),
        ("/metrics", {"Authorization": "Bearer wrong"}, 404),
    ],
)
def test_the_rules_of_the_web_page_hold(port: int, path: str, headers: dict[str, str], status: int) -> None:
    workerserver.start()
    answer = get(f"http://127.0.0.1:{port}{path}", headers)
    assert answer.status == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("celery" in answer.text or "python_info" in answer.text) is (status == 200)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 405),
        ("DELETE", {}, 405),
        ("BREW", {}, 405),
        ("POST", {"X-Forwarded-Proto": "https"}, 404),
    ],
)
def test_other_methods_are_told_so_and_nothing_of_what_serves(
    port: int, method: str, headers: dict[str, str], status: int
) -> None:
    workerserver.start()
    answer = get(f"http://127.0.0.1:{port}/metrics", headers, method=method)
    assert (answer.status, answer.headers.get("Allow")) == (status, "GET, HEAD" if status == 405 else None)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    assert "text/html" not in answer.headers["Content-Type"]


def test_what_is_no_request_is_answered_by_a_status_alone(port: int) -> None:
    workerserver.start()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 65_537)
        said = connection.makefile("rb").read().decode()
    assert said.startswith("HTTP/1.0 431 ")
    assert "Server:" not in said
    assert "<html" not in said.lower()


def test_a_head_has_no_body(port: int) -> None:
    workerserver.start()
    assert get(f"http://127.0.0.1:{port}/metrics", method="HEAD").body == b""


def test_a_taken_port_is_one_clear_line_and_no_fault(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", port)), caplog.at_level(logging.WARNING):
        assert workerserver.start() is None
    (line,) = [record.getMessage() for record in caplog.records if record.name == workerserver.__name__]
    assert f"127.0.0.1:{port}" in line
    assert "OBSERVE_WORKER_METRICS_PORT" in line


@override_settings(DJANGO_OBSERVE={"WORKER_METRICS_PORT": None})
def test_it_can_be_off() -> None:
    assert workerserver.start() is None
