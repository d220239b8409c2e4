"""What the search box recognises."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.console.order import Order
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, span, traces

UUID = "5b8c1f1e-0c4d-4a7e-9d57-1a2b3c4d5e6f"


def found(console: Console, text: str, more: str = "") -> str:
    """Where a search leads."""
    answer = console.get(f"/search?q={quote(text, safe='')}{more}")
    assert answer.status == 302
    return answer.headers["Location"]


@pytest.mark.parametrize(
    "pasted",
    [
        "{trace}",
        " {TRACE}\n",
        "00-{trace}-00f067aa0ba902b7-01",
        '"trace_id": "{trace}",',
        "trace_id={trace}",
        "traceId: {trace}",
        "traceparent: 00-{trace}-00f067aa0ba902b7-01",
        '"traceparent": "00-{trace}-00f067aa0ba902b7-01"',
    ],
)
def test_a_trace_id_however_it_was_copied(console: Console, order: Order, pasted: str) -> None:
    text = pasted.format(trace=order.trace_id, TRACE=order.trace_id.upper())
    assert found(console, text) == f"/trace/{order.trace_id}"


@pytest.mark.parametrize(
    "pasted", ["{id}", "X-Correlation-ID: {id}", "correlation_id={id}", '"correlation_id":"{id}"']
)
def test_a_correlation_id_however_it_was_copied(console: Console, order: Order, pasted: str) -> None:
    assert found(console, pasted.format(id=order.correlation_id)) == f"/c/{order.correlation_id}"


def test_an_id_that_is_a_correlation_id_and_a_trace_id_is_told_apart_by_its_name(console: Console) -> None:
    both = trace_id()
    attrs = attributes({"http.route": "/", "correlation_id": both})
    console.send("/v1/traces", traces("shop", span(both, span_id(), "GET /", attributes=attrs)))
    for text in (both, f"X-Correlation-ID: {both}", f"correlation_id={both}", f'"correlation_id": "{both}",'):
        assert found(console, text) == f"/c/{both}"
    for text in (f"trace_id={both}", f"traceparent: 00-{both}-00f067aa0ba902b7-01"):
        assert found(console, text) == f"/trace/{both}"
    assert f"/trace/{both}" in console.get(f"/c/{both}").text


def test_a_uuid_is_a_correlation_id_even_if_nothing_carries_it_yet(console: Console) -> None:
    assert found(console, UUID) == f"/c/{UUID}"


def test_a_span_id_opens_its_trace_there(console: Console, order: Order) -> None:
    one = order.spans["orders"][0]["spanId"]
    assert found(console, one) == f"/trace/{order.trace_id}?span={one}"
    assert found(console, "f" * 16) == "/logs?q=" + "f" * 16


def test_the_beginning_of_an_id_as_lists_show_it_leads_to_it(console: Console, order: Order) -> None:
    assert found(console, order.trace_id[:12]) in (f"/trace/{order.trace_id}", f"/c/{order.correlation_id}")
    assert found(console, "0" * 11) == "/logs?q=" + "0" * 11


def test_an_unknown_trace_id_is_a_page_that_says_so(console: Console) -> None:
    assert found(console, "ab" * 16) == "/trace/" + "ab" * 16


def test_conditions_lead_to_traces(console: Console) -> None:
    assert (
        found(console, "http.route=/api db.rows>10") == "/traces?where=http.route%3D%2Fapi&where=db.rows%3E10"
    )
    assert found(console, 'name="a b"', "&range=5m") == "/traces?where=name%3Da+b&range=5m"


@pytest.mark.parametrize(
    "text", ["mailbox busy", "a=b c", "=", "x = y", "http://127.0.0.1/?a=b", "10>9", "", "%00", "'; --"]
)
def test_anything_else_is_looked_for_in_the_logs(console: Console, text: str) -> None:
    assert found(console, text).startswith("/logs?q=")


def test_the_time_range_goes_along(console: Console) -> None:
    assert found(console, "words", "&from=1&to=2&x=3") == "/logs?q=words&from=1&to=2"


def test_an_id_cannot_lead_elsewhere(console: Console) -> None:
    assert found(console, "correlation_id=//evil.example") == "/c/%2F%2Fevil.example"
