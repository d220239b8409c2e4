"""The JSON API: Jaeger's query API v3, log lines, status."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.console.order import Order
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

NOW = datetime.now(tz=timezone.utc)
WINDOW = {
    "query.start_time_min": (NOW - timedelta(hours=1)).isoformat(),
    "query.start_time_max": (NOW + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
}


def found(console: Console, **query: str) -> set[str]:
    """Trace IDs that a search finds; none when the answer is 404."""
    named = {f"query.{name}": value for name, value in query.items()}
    answer = console.get(
        "/api/v3/traces?" + "&".join(f"{k}={quoted(v)}" for k, v in {**WINDOW, **named}.items())
    )
    body = json.loads(answer.body)
    if answer.status == 404:
        assert body == {"error": {"httpCode": 404, "message": "No traces found"}}
        return set()
    assert answer.status == 200, answer.text
    return {
        one["traceId"]
        for group in body["result"]["resourceSpans"]
        for scope in group["scopeSpans"]
        for one in scope["spans"]
    }


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def test_services_and_operations(console: Console, order: Order) -> None:
    assert {"auth", "orders", "notifications"} <= set(console.json("/api/v3/services")["services"])
    operations = console.json("/api/v3/operations", service="notifications")["operations"]
    assert {"name": "run/order_created", "spanKind": "consumer"} in operations
    consumers = console.json("/api/v3/operations", service="notifications", spanKind="consumer")["operations"]
    assert {one["spanKind"] for one in consumers} == {"consumer"}
    assert console.json("/api/v3/operations", service="unknown") == {"operations": []}


def test_a_trace_has_every_service_and_links_across_http_and_queue(console: Console, order: Order) -> None:
    answer = console.json(f"/api/v3/traces/{order.trace_id}")
    services = {}
    for group in answer["result"]["resourceSpans"]:
        name = next(
            a["value"]["stringValue"] for a in group["resource"]["attributes"] if a["key"] == "service.name"
        )
        services[name] = [one for scope in group["scopeSpans"] for one in scope["spans"]]
    assert {name: len(spans) for name, spans in services.items()} == {
        "auth": 2,
        "orders": 10,
        "notifications": 3,
    }
    by_id = {one["spanId"]: one for spans in services.values() for one in spans}
    served = next(one for one in services["auth"] if one["kind"] == 2)
    assert by_id[served["parentSpanId"]]["kind"] == 3
    consumed = next(one for one in services["notifications"] if one["kind"] == 5)
    assert by_id[consumed["parentSpanId"]]["kind"] == 4
    assert consumed["status"]["code"] == 2
    assert [event["name"] for event in consumed["events"]] == ["exception"]


def test_a_trace_is_found_in_any_spelling_of_its_id(console: Console, order: Order) -> None:
    assert len(console.spans(order.trace_id.upper())) == 15
    assert len(console.spans(order.trace_id.lstrip("0"))) == 15


def test_unknown_and_malformed_ids_have_jaegers_error_shape(console: Console) -> None:
    for path, status in ((f"/api/v3/traces/{trace_id()}", 404), ("/api/v3/traces/xyz", 400)):
        answer = console.get(path)
        assert answer.status == status
        error = json.loads(answer.body)["error"]
        assert error["httpCode"] == status
        assert error["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"service_name": "orders"},
        {"serviceName": "orders"},
        {"service_name": "notifications", "operation_name": "run/order_created"},
        {"service_name": "orders", "attributes": '{"http.response.status_code": "201"}'},
        {"attributes": '{"correlation_id": "ord-0001-8c1f2ab77e"}'},
        {"attributes": '{"service.version": "1.4.2", "messaging.system": "redis"}'},
        {"service_name": "orders", "duration_min": "140ms", "duration_max": "0.2s"},
    ],
)
def test_search_finds(console: Console, order: Order, query: dict[str, str]) -> None:
    assert order.trace_id in found(console, **query)


@pytest.mark.parametrize(
    "query",
    [
        {"service_name": "unknown"},
        {"service_name": "auth", "operation_name": "run/order_created"},
        {"service_name": "orders", "attributes": '{"http.response.status_code": "418"}'},
        {"attributes": '{"correlation_id": "another"}'},
        {"service_name": "orders", "duration_min": "1h"},
    ],
)
def test_search_leaves_out(console: Console, order: Order, query: dict[str, str]) -> None:
    assert order.trace_id not in found(console, **query)


def test_search_without_times_looks_at_all_that_is_kept(console: Console, order: Order) -> None:
    resource_spans = console.json("/api/v3/traces", **{"query.service_name": "auth"})["result"][
        "resourceSpans"
    ]
    assert resource_spans


def test_search_depth_limits_the_newest_traces(console: Console) -> None:
    ids = [trace_id() for _ in range(4)]
    for age, one in enumerate(ids):
        at = str(time.time_ns() - age * 10**9)
        console.send("/v1/traces", traces("depth", span(one, span_id(), startTimeUnixNano=at)))
    for name in ("num_traces", "search_depth", "searchDepth"):
        assert found(console, service_name="depth", **{name: "2"}) == set(ids[:2])


@pytest.mark.parametrize(
    "query",
    [
        {"query.start_time_min": "yesterday", "query.start_time_max": "2026-01-01T00:00:00Z"},
        {**WINDOW, "query.duration_min": "fast"},
        {**WINDOW, "query.num_traces": "many"},
        {**WINDOW, "query.attributes": "{"},
        {**WINDOW, "query.attributes": '{"a": 1}'},
    ],
)
def test_malformed_parameters_are_400_and_named(console: Console, query: dict[str, str]) -> None:
    answer = console.get(
        "/api/v3/traces?" + "&".join(f"{name}={quoted(value)}" for name, value in query.items())
    )
    assert answer.status == 400
    assert "query." in json.loads(answer.body)["error"]["message"]


def messages(console: Console, **query: str) -> list[str]:
    lines: list[dict[str, Any]] = console.json("/api/logs", **query)["logs"]
    return [one["message"] for one in lines]


def test_logs_by_every_parameter(console: Console, order: Order) -> None:
    one = order.correlation_id
    assert len(messages(console, correlation_id=one)) == 8
    assert len(messages(console, trace_id=order.trace_id)) == 8
    assert messages(console, correlation_id=one, service="auth") == ["GET /api/users/7/ 200"]
    assert messages(console, correlation_id=one, level="error") == [
        "mail could not be sent, the task is retried"
    ]
    assert len(messages(console, correlation_id=one, level="WARN")) == 2
    assert messages(console, correlation_id=one, q="payment api") == [
        "payment API answered 503, attempt 1 of 3, next in 14 ms"
    ]
    assert messages(console, correlation_id=one, q="SMTPRecip") == [
        "mail could not be sent, the task is retried"
    ]
    assert messages(console, correlation_id=one, limit="2") == [
        "task order_created",
        messages(console, correlation_id=one)[1],
    ]
    assert messages(console, correlation_id="unknown") == []


def test_log_lines_carry_their_ids_and_attributes(console: Console, order: Order) -> None:
    (line,) = console.json("/api/logs", correlation_id=order.correlation_id, level="error")["logs"]
    assert line["trace_id"] == order.trace_id
    assert line["span_id"] in {one["spanId"] for one in console.spans(order.trace_id)}
    assert line["attributes"]["error_type"] == "SMTPRecipientsRefused"
    assert line["attributes"]["stack"].startswith("Traceback")
    assert datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).tzinfo


@pytest.mark.parametrize("query", ["level=loud", "trace_id=12", "limit=0", "limit=x"])
def test_malformed_log_parameters_are_400_and_named(console: Console, query: str) -> None:
    answer = console.get(f"/api/logs?{query}")
    assert answer.status == 400
    assert query.split("=", maxsplit=1)[0] in json.loads(answer.body)["error"]


@pytest.mark.parametrize("key", ["correlation.id", "http.request.header.x_correlation_id"])
def test_other_spellings_of_the_correlation_id_are_read(console: Console, key: str) -> None:
    one, correlation_id = trace_id(), f"spelt-{key}"
    listed = {"key": key, "value": {"arrayValue": {"values": [{"stringValue": correlation_id}]}}}
    console.send("/v1/traces", traces("spelling", span(one, span_id(), attributes=[listed])))
    assert f"/trace/{one}" in console.get(f"/c/{correlation_id}").text


def test_status_tells_what_is_stored_and_where_to_send(console: Console, order: Order) -> None:
    status = console.json("/api/status")
    assert status["endpoint"] == console.otlp
    assert status["stored"]["spans"] >= 15
    assert 0 < status["bytes"] < status["limits"]["bytes"]
    assert status["accepted"]["spans"] >= 15


def test_a_log_line_without_a_time_gets_the_time_of_receipt(console: Console) -> None:
    console.send("/v1/logs", logs("timeless", log("when", timeUnixNano="0", attributes=attributes({"a": 1}))))
    (line,) = console.json("/api/logs", service="timeless")["logs"]
    moment = datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00"))
    assert abs(datetime.now(tz=timezone.utc) - moment) < timedelta(minutes=1)
