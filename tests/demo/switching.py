"""The switches of a running demo, and what its answers, lines, samples and spans say of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from demo_services.customer import Customer
from demo_services.ports import Ports
from demo_services.telemetry import Span, Telemetry
from tests.demo.shop import ROOT, Shop, environment
from tests.processes import wait_until


def call(shop: Shop, *words: str, offset: int | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m demo_services fault ...` beside the running demo, or for one at another offset."""
    own = shop.ports.orders - Ports().orders
    return subprocess.run(
        [sys.executable, "-m", "demo_services", "fault", *words],
        cwd=ROOT,
        env=environment(shop.state, DEMO_PORT_OFFSET=str(own if offset is None else offset)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def switches(shop: Shop, service: str, method: str = "GET", **options: Any) -> requests.Response:
    """One request to the switches of a service."""
    return requests.request(method, f"{shop.ports.url(service)}/faults", timeout=10, **options)


@contextmanager
def faulty(shop: Shop, service: str, **faults: Any) -> Iterator[None]:
    """Faults that are on in the block alone."""
    switched = switches(shop, service, "PUT", json=faults)
    assert switched.json()["faults"], switched.text
    try:
        yield
    finally:
        assert switches(shop, service, "DELETE").json()["faults"] == {}


def refusal(customer: Customer) -> requests.Response:
    """The answer to an order that is not to succeed."""
    with pytest.raises(requests.HTTPError) as refused:
        customer.order()
    return refused.value.response


def line(shop: Shop, program: str, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first JSON line of a program's output that is looked for, as soon as it is there."""

    def first() -> dict[str, Any]:
        records = (json.loads(text) for text in shop.log(program).splitlines() if text.startswith("{"))
        return next((record for record in records if found(record)), {})

    return wait_until(first, f"a certain line of {program}")


def under(correlation_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a line has this ID."""
    return lambda record: bool(record["correlation_id"] == correlation_id)


def sample(shop: Shop, port: str, pattern: str) -> float:
    """The sum of the samples on a metrics page whose name and labels match."""
    page = requests.get(f"{shop.ports.url(port)}/metrics", timeout=10).text
    return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", page, re.MULTILINE))


def spans_of(shop: Shop, correlation_id: str, found: Callable[[Span], bool], least: int = 1) -> list[Span]:
    """The spans under an ID that are looked for, as soon as there are so many: they come in batches."""
    telemetry = Telemetry(shop.ports.url("console"))
    trace_id = wait_until(lambda: telemetry.trace_id(correlation_id), "the trace")

    def those() -> list[Span]:
        spans = [span for span in telemetry.spans(trace_id) if found(span)]
        return spans if len(spans) >= least else []

    return wait_until(those, f"{least} of certain spans")
