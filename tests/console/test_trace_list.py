"""The trace list: its filters, its orders, its pages and the picture above it."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

SERVER, CLIENT = 2, 3
MINUTE = 60 * 10**9


class Shelf:
    """A console with a few traces that differ in one thing each; `ids` by name."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.ids: dict[str, str] = {}
        self.now = time.time_ns()

    def put(self, name: str, seconds: float = 0.01, ago: int = 0, **fields: Any) -> str:
        trace, start = trace_id(), self.now - ago
        times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + int(seconds * 10**9))}
        attrs = attributes(fields.pop("attrs", {}))
        one = span(trace, span_id(), name, kind=SERVER, attributes=attrs, **times, **fields)
        self.console.send("/v1/traces", traces("shop", one))
        self.ids[name] = trace
        return str(one["spanId"])

    def found(self, **query: str | list[str]) -> list[str]:
        """Names of the traces listed, top to bottom."""
        text = self.page(**query)
        listed = re.findall(r'<tr data-row="([0-9a-f]{32})"', text)
        names = {trace: name for name, trace in self.ids.items()}
        return [names[trace] for trace in listed]

    def page(self, **query: str | list[str]) -> str:
        answer = self.console.get(f"/traces?{urlencode(query, doseq=True)}")
        assert answer.status == 200, html.unescape(answer.text)[-900:]
        return html.unescape(answer.text)


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    with running() as console:
        shelf = Shelf(console)
        shelf.put("old", ago=90 * MINUTE)
        shelf.put("slow", seconds=2.5, ago=4 * 10**9)
        attrs = {"http.response.status_code": 503, "http.route": "/cart/"}
        shelf.put("broken", ago=3 * 10**9, status={"code": 2}, attrs=attrs)
        attrs = {"http.response.status_code": 404, "url.path": "/Basket", "http.route": "basket/"}
        shelf.put("missing", ago=2 * 10**9, attrs=attrs)
        parent = shelf.put("joint", ago=10**9, attrs={"order.total": 99.5, "paid": True})
        query = attributes({"db.system": "postgresql", "db.rows": 12})
        at = str(shelf.now - 10**9)
        child = span(
            shelf.ids["joint"], span_id(), "SELECT stock", parent, kind=CLIENT, attributes=query,
            startTimeUnixNano=at, endTimeUnixNano=at,
        )  # fmt: skip
        console.send("/v1/traces", traces("stock", child))
        yield shelf


def test_newest_first_and_by_duration_and_spans(shelf: Shelf) -> None:
    assert shelf.found() == ["joint", "missing", "broken", "slow", "old"]
    assert shelf.found(sort="duration")[0] == "slow"
    assert shelf.found(sort="spans")[0] == "joint"
    assert 'aria-sort="descending"><a href="?sort=duration"' in shelf.page(sort="duration")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"service": "stock"}, ["joint"]),
        ({"service": ["shop", "stock"]}, ["joint"]),
        ({"service": ["stock", "none"]}, []),
        ({"operation": "SELECT stock"}, ["joint"]),
        ({"operation": "SELECT"}, []),
        ({"service": "shop", "operation": "SELECT stock"}, []),
        ({"q": "select ST"}, ["joint"]),
        ({"q": "shop bro"}, ["broken"]),
        ({"status": "error"}, ["broken"]),
        ({"status": "ok", "q": "o"}, ["joint", "missing", "slow", "old"]),
        ({"min_ms": "1000"}, ["slow"]),
        ({"max_ms": "1000", "min_ms": "0.5", "q": "slow"}, []),
        ({"http": "404"}, ["missing"]),
        ({"http": "5xx"}, ["broken"]),
        ({"http": ">=400"}, ["missing", "broken"]),
        ({"where": "http.response.status_code=503"}, ["broken"]),
        ({"where": "http.response.status_code!=503"}, ["missing"]),
        ({"where": "http.response.status_code>=404"}, ["missing", "broken"]),
        ({"where": "http.response.status_code<500"}, ["missing"]),
        ({"where": "url.path~basket"}, ["missing"]),
        ({"where": "order.total exists"}, ["joint"]),
        ({"where": "order.total>99"}, ["joint"]),
        ({"where": "paid=true"}, ["joint"]),
        ({"where": "url.path>5"}, []),
        ({"where": ["db.system=postgresql", "db.rows>10"]}, ["joint"]),
        ({"where": ["db.system=postgresql", "paid=true"]}, []),
        ({"where": "service.version=1.4.2", "status": "error"}, ["broken"]),
        ({"where": "name=broken"}, ["broken"]),
        ({"where": "duration_ms>1000"}, ["slow"]),
        ({"where": "http.status_code=503"}, ["broken"]),
        ({"where": "http.status_code>=404"}, ["missing", "broken"]),
        ({"where": "http.status_code!=503"}, ["missing"]),
        ({"where": "db.system.name=postgresql"}, ["joint"]),
        ({"where": "db.system.name exists"}, ["joint"]),
        ({"where": "deployment.environment=dev", "status": "error"}, ["broken"]),
        ({"where": "service=stock"}, ["joint"]),
        ({"where": ["service=stock", "operation~select"]}, ["joint"]),
        ({"where": "service=shop", "q": "slow"}, ["slow"]),
        ({"where": "status=404"}, ["missing"]),
        ({"where": "status>=400"}, ["missing", "broken"]),
        ({"where": "status=error"}, ["broken"]),
        ({"where": "status!=ok"}, ["broken"]),
        ({"where": ["status=ok", "status exists"]}, ["missing"]),
        ({"where": "route=/basket/"}, ["missing"]),
        ({"where": "http.route=/basket/"}, ["missing"]),
        ({"where": "http.route=basket/"}, ["missing"]),
        ({"where": "http.route=/basket"}, []),
        ({"where": "http.route!=/basket/"}, ["broken"]),
        ({"where": "http.route=cart/"}, ["broken"]),
        ({"where": "http.route~/bask"}, ["missing"]),
        ({"where": "http.route~/cart"}, ["broken"]),
        ({"range": "1h"}, ["joint", "missing", "broken", "slow"]),
    ],
)
def test_each_filter_finds_what_it_says(
    shelf: Shelf, query: dict[str, str | list[str]], names: list[str]
) -> None:
    assert shelf.found(**query) == names


@pytest.mark.parametrize(
    "query",
    ["where=%22%3D5", "where=a>b", "where=%3D5", "http=700", "http=abc", "min_ms=slow", "max_ms=-1",
     "status=so", "sort=size", "before=5", "before=x-y"],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_with_what_can(shelf: Shelf, query: str) -> None:
    answer = shelf.console.get(f"/traces?{query}")
    assert answer.status == 400
    assert "accepted" in answer.text or "compares numbers" in answer.text


@pytest.mark.parametrize(
    "value", ["' OR 1=1 --", 'x"); DROP TABLE span;--', "%", "_", "\\", "a]b", "$.x", "\u202e", "\0"]
)
def test_what_people_type_is_never_sql(shelf: Shelf, value: str) -> None:
    for name in ("q", "service", "operation", "correlation_id"):
        assert shelf.found(**{name: value}) == []
    assert shelf.found(where=f"url.path={value}") == []
    assert shelf.console.get(f"/traces?where={quote(value.replace(' ', ''))}=1").status in {200, 400}
    assert len(shelf.found()) == 5


def test_filters_that_are_on_are_chips_that_take_them_off(shelf: Shelf) -> None:
    text = shelf.page(where=["db.system=postgresql", "db.rows>10"], sort="spans")
    chips = re.findall(r'<a class="chip" href="\?([^"]*)"[^>]*>([^<]*)<', text)
    assert [chip[1] for chip in chips] == ["db.system=postgresql", "db.rows>10"]
    assert chips[0][0] == urlencode([("where", "db.rows>10"), ("sort", "spans")])


def test_nothing_found_tells_what_lies_outside_the_time_range(shelf: Shelf) -> None:
    text = shelf.page(range="1h", q="old")
    assert "No trace matches this filter in this time range" in text
    assert "1 matches outside this time range" in text
    (widened,) = re.findall(r'outside this time range\. <a href="\?([^"]*)"', text)
    assert widened == "q=old"


def test_a_key_that_no_span_has_is_told_with_those_near_it(shelf: Shelf) -> None:
    text = shelf.page(where=["db.row>10", "paid=false", "http.response.statuscode=503"])
    assert "No recent span has <code>db.row</code>. Near it: <code>db.rows</code>" in text
    assert "No recent span has <code>http.response.statuscode</code>. Near it: <code>http.response.s" in text
    assert text.count("No recent span has") == 2
    assert "has <code>status_code</code>. Near it: <code>http.response.s" in shelf.page(where="status_code=1")
    assert "No recent span has <code>zz.yy.xx</code>.</p>" in shelf.page(where="zz.yy.xx=1")
    for known in ("http.status_code=599", "service.version=9", "status=599", "order.total>100"):
        assert "No recent span has" not in shelf.page(where=known)


@pytest.mark.parametrize("sort", ["time", "duration", "spans"])
def test_pages_follow_one_another_without_gap_or_repetition(sort: str) -> None:
    with running() as console:
        now = time.time_ns()
        for number in range(3):
            same = {
                "startTimeUnixNano": str(now),
                "endTimeUnixNano": str(now + 10**7),
            }  # ties are parted by ID
            many = [span(trace_id(), span_id(), f"op{number}", **same) for _ in range(40)]
            console.send("/v1/traces", traces("paged", *many))
        seen: list[str] = []
        query = f"?sort={sort}"
        for _ in range(5):
            text = html.unescape(console.get(f"/traces{query}").text)
            seen += re.findall(r'<tr data-row="([0-9a-f]{32})"', text)
            more = re.findall(r'class="button" href="(\?[^"]+before[^"]+)"', text)
            if not more:
                break
            query = more[0]
    assert len(seen) == 120 == len(set(seen))


def test_the_picture_has_a_dot_for_each_trace_and_a_cross_for_each_failed_one(shelf: Shelf) -> None:
    text = shelf.page()
    picture = text[text.index('id="scatter"') : text.index("</figure>")]
    assert len(re.findall("<circle ", picture)) == 4
    assert picture.count('href="#failed-dot"') == 1
    assert f'href="/trace/{shelf.ids["broken"]}"' in picture
    assert "1 with errors" in picture
    dots = dict(re.findall(r'href="/trace/([0-9a-f]{32})"(?:(?!</a>).)*cy="([\d.]+)"', picture))
    assert float(dots[shelf.ids["slow"]]) < float(dots[shelf.ids["old"]])


def test_a_trace_of_log_lines_alone_is_not_listed_yet(shelf: Shelf) -> None:
    shelf.console.send("/v1/logs", logs("shop", log("early", traceId=trace_id())))
    assert len(shelf.found()) == 5
