"""A trace of 2,500 lines: what its page weighs, what it costs, how one gets to all of it."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import span, traces
from tests.console.tracepage import child, rows


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[Console, str, list[dict[str, Any]]]]:
    """A trace of 2,500 spans of which no two fold, ten levels deep and more, in a console of its own."""
    chance = random.Random(7)
    trace, root = trace_id(), span_id()
    spans = [child(trace, "", "POST api/orders/bulk/", 0, 2_600, id=root, kind=2)]
    parents = [(root, 0.0, 2_600.0)]
    for number in range(2_499):
        parent, at, length = chance.choice(parents[-300:])
        took = length * chance.uniform(0.05, 0.6)
        began, one = at + chance.uniform(0, length - took), span_id()
        attrs = {"db.system": "postgresql", "db.query.text": f"SELECT a{number} FROM stock"}  # noqa: S608
        spans.append(child(trace, parent, f"SELECT stock {number}", began, took, id=one, kind=3, attrs=attrs))
        parents.append((one, began, took))
    with running() as console:
        console.send("/v1/traces", traces("stock", *spans[:2_000]))
        console.send("/v1/traces", traces("stock", *spans[2_000:]))
        yield console, trace, spans


def test_2000_lines_are_small_on_the_wire(large: tuple[Console, str, list[dict[str, Any]]]) -> None:
    console, trace, _ = large
    answer = console.get(f"/trace/{trace}", {"Accept-Encoding": "gzip, br"})
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert len(answer.body) < 200_000
    assert len(rows(gzip.decompress(answer.body).decode())) == 2_000


def test_beyond_2000_lines_there_are_pages_and_what_is_selected_is_on_the_one_shown(
    large: tuple[Console, str, list[dict[str, Any]]],
) -> None:
    console, trace, spans = large
    first = rows(console.get(f"/trace/{trace}").text)
    second = rows(console.get(f"/trace/{trace}?page=2").text)
    shown = {one[0] for one in first + second if one[0].startswith("s-")}
    assert shown == {f"s-{one['spanId']}" for one in spans}
    last = next(one[0] for one in reversed(second) if one[0])
    assert f'<tr id="{last}"' in console.get(f"/trace/{trace}?span={last.removeprefix('s-')}").text
    assert rows(console.get(f"/trace/{trace}?page=99").text) == second


def test_an_address_that_closes_thousands_of_spans_makes_no_large_page(console: Console) -> None:
    trace, top = trace_id(), span_id()
    made = [span(trace, top, "top"), *(span(trace, span_id(), f"GET /{number}", top) for number in range(50))]
    console.send("/v1/traces", traces("shop", *made))
    shut = ".".join(f"{number:016x}" for number in range(3000))
    assert len(console.get(f"/trace/{trace}?shut={shut}").body) < 500_000
