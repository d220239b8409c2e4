"""The settings page and what its forms do."""

from __future__ import annotations

import re
import time

import pytest

from tests.console.order import Order
from tests.console.running import Console, request, running


def test_it_says_what_it_is_and_what_it_keeps(console: Console, order: Order) -> None:
    text = console.get("/settings").text
    assert "a development tool for one machine" in text
    for option in ("--max-spans", "--max-logs", "--max-megabytes", "--max-hours"):
        assert f"<code>{option}</code>" in text
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={console.otlp}" in text
    assert "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://localhost:3100/otlp/v1/logs" in text


def test_it_tells_the_last_refusal(console: Console) -> None:
    console.post("/v1/traces", b"x", {"Content-Type": "application/grpc"})
    assert re.search(r"The last refusal, 415: .*http/protobuf", console.get("/settings").text)


def test_a_test_trace_takes_the_way_of_telemetry() -> None:
    for options in ((), ("--memory", "--token")):
        with running(*options) as console:
            entered = console.get(f"/?token={console.token}").headers.get("Set-Cookie", "").partition(";")[0]
            page = request("GET", f"{console.pages}/settings", headers={"Cookie": entered})
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token
            cookie = f"{entered}; {page.headers['Set-Cookie'].partition(';')[0]}"
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
            body = f"csrfmiddlewaretoken={token[1]}".encode()
            answer = request("POST", f"{console.pages}/settings/sample", body, headers)
            assert answer.status == 303
            shown = request("GET", console.pages + answer.headers["Location"], headers={"Cookie": cookie})
            assert shown.status == 200
            assert "This is how a warning looks" in shown.text


def test_clearing_asks_for_the_word_and_then_forgets_everything() -> None:
    with running() as console:
        order = Order()
        for path, body in order.requests():
            console.send(path, body)
        assert console.submit("/settings", "/settings/clear", confirm="yes").status == 400
        assert console.json("/api/status")["stored"]["spans"]
        assert console.submit("/settings", "/settings/clear", confirm="clear").status == 303
        assert set(console.json("/api/status")["stored"].values()) == {0}
        assert not console.json("/api/logs", q="mail")["logs"]
        assert "Nothing has arrived yet" in console.get("/traces").text
        for path, body in Order(number=2, start_ns=time.time_ns()).requests():
            console.send(path, body)
        assert "POST api/orders/" in console.get("/traces").text
        assert len(console.json("/api/logs", q="mail")["logs"]) == 1


@pytest.mark.parametrize("path", ["/settings/clear", "/settings/sample", "/settings/zone"])
def test_a_form_of_elsewhere_does_nothing(console: Console, order: Order, path: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = request("POST", console.pages + path, b"confirm=clear&zone=utc", headers)
    assert answer.status == 403
    assert "That was not done" in answer.text
    assert console.get(path).status == 405
    assert console.spans(order.trace_id)


def test_times_are_local_or_utc_as_this_browser_prefers() -> None:
    with running(env={"TZ": "Asia/Kolkata"}) as console:
        order = Order(start_ns=1_767_225_600 * 10**9)
        for path, body in order.requests():
            console.send(path, body)
        answer = console.submit("/settings", "/settings/zone", zone="utc")
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        path = f"/logs?correlation_id={order.correlation_id}"
        assert "05:30:00.003" in console.get(path).text
        assert "00:00:00.003" in console.get(path, {"Cookie": cookie}).text
        etag = console.get(path).headers["ETag"]
        assert console.get(path, {"If-None-Match": etag, "Cookie": cookie}).status == 200
