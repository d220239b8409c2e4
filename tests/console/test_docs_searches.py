"""What the how-to tells to type into the search box finds what the demo's shop does."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.console.order import Order
from tests.console.running import ROOT, Console

HOW_TO = (ROOT / "docs/how-to/console.md").read_text()
[EXAMPLES] = re.findall(r"conditions on traces, such as\n\n```text\n(.*?)```", HOW_TO, re.DOTALL)


@pytest.mark.parametrize("typed", EXAMPLES.splitlines())
def test_each_example_finds_the_order(console: Console, order: Order, typed: str) -> None:
    address = console.get(f"/search?q={quote(typed)}").headers["Location"]
    assert address.startswith("/traces?where=")
    assert f'<tr data-row="{order.trace_id}"' in console.get(address).text


def test_the_route_is_one_that_the_demo_has() -> None:
    [route] = re.findall(r"http\.route=/(\S+)", EXAMPLES)
    assert f'path("{route}"' in (ROOT / "demo_services/orders/orders_service/urls.py").read_text()
