"""The list of services and one service, as the server sends them."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

SERVER, CLIENT, CONSUMER = 2, 3, 5


@pytest.fixture(scope="module")
def shop() -> Iterator[Console]:
    """An order, and requests to a service of its own: 20 with one failed, 3 health checks."""
    with running() as console:
        for path, body in Order().requests():
            console.send(path, body)
        for number in range(20):
            failed = {"code": 2 if number == 7 else 0}
            console.send(
                "/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=SERVER, status=failed))
            )
        for _ in range(3):
            console.send(
                "/v1/traces", traces("web", span(trace_id(), span_id(), "GET /healthz", kind=SERVER))
            )
        yield console


def row_of(text: str, service: str) -> str:
    """A service's row as words."""
    rows = re.findall(r"<tr class=.*?</tr>", text, re.DOTALL)
    (found,) = [row for row in rows if f'class="cover" href="/services/{service}' in row]
    return " ".join(html.unescape(re.sub(r"<title>.*?</title>|<[^>]+>", " ", found)).split())


def test_each_service_has_its_rates_and_whom_it_calls(shop: Console) -> None:
    text = shop.get("/services").text
    assert re.findall(r'class="cover" href="/services/(\w+)"', text) == [
        "auth",
        "notifications",
        "orders",
        "web",
    ]
    assert re.match(r"web web \d+\.\d+ 5\.0 % 10\.0 ms 10\.0 ms 10\.0 ms", row_of(text, "web"))
    assert row_of(text, "notifications").startswith("notifications worker ")
    assert "100 %" in row_of(text, "notifications")
    assert "postgresql orders pay.example +2" in row_of(text, "orders")
    assert "<b>23</b> requests" in text
    assert "Traces with errors may be more" in text


def test_the_operations_that_take_most_time_lead_to_their_traces(shop: Console) -> None:
    text = shop.get("/services").text
    found = re.findall(r'class="op" href="([^"]+)">(.*?)</a>', text)
    assert [name for _, name in found] == [
        "GET /",
        "POST api/orders/",
        "run/order_created",
        "GET api/users/&lt;int:pk&gt;/",
    ]
    assert Order().trace_id in shop.get(html.unescape(found[1][0])).text


def test_health_checks_are_hidden_until_asked_for(shop: Console) -> None:
    text = shop.get("/services").text
    assert "hidden: /healthz (3)" in text
    (link,) = re.findall(r'class="chip" href="([^"]+)"', text)
    shown = shop.get(f"/services{html.unescape(link)}").text
    assert "<b>26</b> requests" in shown
    assert "4.3 %" in row_of(shown, "web")
    assert "GET /healthz" not in shop.get("/services/web").text
    assert "GET /healthz" in shop.get("/services/web?quiet=show").text


def test_services_sort_by_what_their_column_shows(shop: Console) -> None:
    def order(query: str) -> list[str]:
        return re.findall(r'class="cover" href="/services/(\w+)', shop.get(f"/services?{query}").text)

    assert order("sort=rate")[0] == "web"
    assert order("sort=errors")[:2] == ["notifications", "web"]
    assert order("sort=p95")[0] == "orders"
    assert order("") == ["auth", "notifications", "orders", "web"]
    refused = shop.get("/services?sort=colour")
    assert (refused.status, "name, rate, errors, p95" in refused.text) == (400, True)


def test_a_range_without_requests_still_names_the_services(shop: Console) -> None:
    until = int(time.time() - 3600) * 1000
    text = shop.get(f"/services?to={until}").text
    assert "No requests in" in text
    assert f'href="/services/web?to={until}"' in text, "links keep the range"
    one = shop.get(f"/services/web?to={until}").text
    assert "served no request and ran no task in this range" in one


def test_a_service_has_its_operations_with_traces_to_look_at(shop: Console) -> None:
    text = shop.get("/services/web").text
    assert 'href="/traces?service=web&amp;operation=GET+%2F"' in text
    (slowest,) = re.findall(r'href="(/trace/\w+\?span=\w+)">slowest', text)
    (failed,) = re.findall(r'class="bad-mark" href="(/trace/\w+\?span=\w+)"', text)
    assert shop.get(slowest).status == shop.get(failed).status == 200
    series = json.loads(re.findall(r'<script id="series" type="application/json">(.*?)</script>', text)[0])
    assert set(series) == {"times", "rate", "errors", "p50", "p95", "p99"}
    assert {len(values) for values in series.values()} == {len(series["times"])}
    assert "task" in shop.get("/services/notifications").text


def test_a_service_has_its_sql_by_total_time(shop: Console) -> None:
    text = shop.get("/services/orders").text
    found = re.findall(r'<code class="sql">(.*?)</code>', text)
    assert found == ["INSERT orders_order", "COMMIT", "SELECT * FROM orders_product WHERE id = %s", "BEGIN"]
    assert "1.00 per request" in text
    assert "among the newest 10,000 spans" in text
    assert "SQL by total time" not in shop.get("/services/web").text


def test_a_service_that_is_not_known_is_not_there(shop: Console) -> None:
    answer = shop.get("/services/nobody")
    assert (answer.status, "nobody" in answer.text) == (404, True)


def test_names_are_text_and_links_lead_back_to_them(shop: Console) -> None:
    name = "a/b?<script>alert(1)</script>\u202e&\"'"
    call = span(trace_id(), span_id(), f"GET {name}", kind=SERVER)
    peer = attributes({"db.system": "postgresql", "db.name": name, "db.statement": f"SELECT {name}"})
    shop.send(
        "/v1/traces", traces(name, call, span(trace_id(), span_id(), name, kind=CLIENT, attributes=peer))
    )
    for path in (
        "/services",
        f"/services/{quote(name, safe='')}",
        "/map",
        f"/map?node={quote(name, safe='')}",
    ):
        answer = shop.get(path)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "\\u202e" in answer.text
    (link,) = re.findall(r'class="cover" href="(/services/a%2F[^"]+)"', shop.get("/services").text)
    assert "<h1>" in shop.get(html.unescape(link)).text


def test_without_requests_the_pages_say_what_makes_them() -> None:
    with running() as console:
        console.send("/v1/logs", logs("quiet", log("one line")))
        assert "no requests" in row_of(console.get("/services").text, "quiet")
        assert "served no request" in console.get("/services/quiet").text
        assert "<b>1</b> log line</span>" in console.get("/services").text
        assert "log lines alone do not" in console.get("/map").text


def test_unchanged_pages_are_not_sent_again(shop: Console) -> None:
    for path in ("/services", "/services/web", "/map"):
        tag = shop.get(path).headers["ETag"]
        assert shop.get(path, {"If-None-Match": tag}).status == 304
