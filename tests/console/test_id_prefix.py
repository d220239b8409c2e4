"""The beginning of an ID leads to the only one that has it, where it cannot be another ID or a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from django_observe.console.formatting import short_id
from tests.console.running import Console, running, span_id
from tests.console.telemetry import attributes, log, logs, span, traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COUNTED = ("invoice-47112", "12345678123456789")
ORDERS = ("<b>+id/12", "order-4711-a", "order-4711-b", "order~4712 \u00e4", "checkout-2026-11-22-customer-1")
CORRELATION_ID = "5b8c1f1e-0c4d-4a7e-9d57-1a2b3c4d5e6f"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running("--memory") as started:
        carried = attributes({"correlation_id": CORRELATION_ID})
        started.send("/v1/traces", traces("shop", span(TRACE, span_id()), span("77" * 16, span_id())))
        started.send("/v1/traces", traces("shop", span("77" * 15 + "78", span_id(), attributes=carried)))
        for name in ("aaaaaaaa1", "aaaaaaaa2", "bbbbbbbb", "bbbbbbbb1", *COUNTED, *ORDERS, *ORDERS):
            line = log("line", attributes=attributes({"correlation_id": name}))
            started.send("/v1/logs", logs("shop", line))
        yield started


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        (TRACE[:8], f"/trace/{TRACE}"),
        (TRACE[:9].upper(), f"/trace/{TRACE}"),
        (TRACE[:31], f"/trace/{TRACE}"),
        (CORRELATION_ID[:8], f"/c/{CORRELATION_ID}"),
        (CORRELATION_ID[:9], f"/c/{CORRELATION_ID}"),
        (CORRELATION_ID[:-1], f"/c/{CORRELATION_ID}"),
        ("aaaaaaaa2", None),
        ("bbbbbbbb", None),
        (CORRELATION_ID, None),
        ("aaaaaaaa", None),
        ("77777777", None),
        (TRACE[:7], None),
        ("deadbeef", None),
        ("%25%25%25%25%25%25%25%25", None),
        ("5b8c1f1f", None),
        ("checkout", None),
        ("checkout...", "/c/checkout-2026-11-22-customer-1"),
        ("checkout%E2%80%A6", "/c/checkout-2026-11-22-customer-1"),
        ("order-4711%E2%80%A6", None),
        ("1234567812345678", None),
        ("checkout-2026-11-22-customer-1", None),
        ("checkou", None),
        ("order~47", None),
        ("order~47...", "/c/order~4712%20%C3%A4"),
        ("order~4712%20%C3%A4", None),
        ("%3Cb%3E%2Bid%2F1", None),
        ("%3Cb%3E%2Bid%2F1%E2%80%A6", "/c/%3Cb%3E%2Bid%2F12"),
        ("%3Cb%3E%2Bid%2F12", None),
        ("order-4711-", None),
        ("Order-4711-", None),
    ],
)
def test_a_beginning_leads_to_the_whole(console: Console, prefix: str, address: str | None) -> None:
    """What has one meaning leads there; an ID of its own, several or none stay where they are."""
    answer = console.get(f"/c/{prefix}")
    assert (answer.status, answer.headers["Location"]) == (302 if address else 200, address)


def test_several_ids_that_begin_so_are_listed(console: Console) -> None:
    """By the search box too; what nothing begins with is looked for in the log lines."""
    assert console.get("/search?q=order-47...").headers["Location"] == "/c/order-47..."
    text = console.get("/c/order-47...").text
    assert re.findall(r'<li><a href="([^"]*)"', text) == ["/c/order-4711-a", "/c/order-4711-b"]
    assert 'href="/logs?q=order-47"' in text
    assert console.get("/search?q=77777777").headers["Location"] == "/c/77777777"
    both = console.get("/c/77777777").text
    assert re.findall(r'<li><a href="([^"]*)"', both) == [f"/trace/{'77' * 16}", f"/trace/{'77' * 15}78"]
    assert console.get("/search?q=order-48").headers["Location"] == "/logs?q=order-48"


@pytest.mark.parametrize(
    ("typed", "begins_so"),
    [
        ("checkout", ["checkout-2026-11-22-customer-1"]),
        ("invoice-4711", ["invoice-47112"]),
        ("order-47", ["order-4711-a", "order-4711-b"]),
        ("1234567812345678", ["12345678123456789"]),
    ],
)
def test_what_may_be_a_word_or_another_id_only_offers_those_that_begin_so(
    console: Console, typed: str, begins_so: list[str]
) -> None:
    """A counted ID that is gone, or elsewhere, is no longer one; a word is looked for."""
    links = [f"/c/{one}" for one in begins_so]
    page = console.get(f"/c/{typed}").text
    assert re.findall(r'<li><a href="([^"]*)"', page) == links
    assert "No ID here is exactly this" in page
    assert console.get(f"/search?q={typed}").headers["Location"] == f"/logs?q={typed}"
    [hint] = re.findall(
        r'<p class="hint">(?:An ID begins|IDs begin) so: .*', console.get(f"/logs?q={typed}").text
    )
    assert re.findall(r'<a href="([^"]*)"', hint) == links
    assert console.json("/api/ids", prefix=typed) == {"ids": begins_so}


def test_words_without_ids_offer_none(console: Console) -> None:
    for words in ("", "checkou", "customer-1", "checkout done"):
        assert "begin" not in re.sub(r"<head>.*?</head>", "", console.get(f"/logs?q={quote(words)}").text)


def test_an_id_as_a_list_cuts_it_is_found(console: Console) -> None:
    cut = short_id("checkout-2026-11-22-customer-1")
    found = console.get(f"/search?q={quote(cut)}").headers["Location"]
    assert found == "/c/checkout-2026-11-22-customer-1"
    assert f">{cut}</a>" in console.get("/logs").text


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        (CORRELATION_ID, "5b8c1f1e"),
        (TRACE.upper(), "4BF92F35"),
        ("order-4711-a", "order-4711-a"),
        ("20261122-000000-0001", "20261122-000000-0001"),
        ("20261122-000000-00012", "20261122-000000-00\u2026"),
        ("01J9Z3K5V8QW2N4B6M7C8D9E0F", "01J9Z3K5V8QW2N4B6M\u2026"),
        ("deadbeef", "deadbeef"),
    ],
)
def test_lists_show_what_tells_ids_apart(whole: str, shown: str) -> None:
    assert short_id(whole) == shown


def test_a_trace_is_exported_by_the_beginning_of_its_id(console: Console) -> None:
    found = console.get(f"/trace/{TRACE[:8]}.json")
    assert TRACE in found.headers["Content-Disposition"]
    several = console.get("/trace/77777777.txt")
    assert (several.status, "Several traces begin so" in several.text) == (409, True)
    assert [console.get(f"/trace/{text}.txt").status for text in (TRACE[:7], "deadbeef")] == [400, 404]
