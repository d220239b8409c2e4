"""What customers see, and what is kept, when a part of the shop is away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from demo_services.customer import Customer
from demo_services.ports import free_port
from demo_services.telemetry import Telemetry
from tests.demo.servers import redis
from tests.demo.shop import Shop, open_shop
from tests.processes import wait_until

QUICK_SECONDS = 4
ORDER = {"sku": "MUG-BLUE", "quantity": 1}


@pytest.fixture(scope="module")
def broker() -> Iterator[ExitStack]:
    """A Redis that a test can stop and start again, as `shop`'s broker."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def broker_port() -> int:
    """The port that Redis keeps across its absence."""
    return free_port()


@pytest.fixture(scope="module")
def shop(broker: ExitStack, broker_port: int) -> Iterator[Shop]:
    """A running demo on Redis, without traffic."""
    url = broker.enter_context(redis(broker_port))
    with open_shop(CELERY_BROKER_URL=url) as running:
        yield running


@pytest.fixture(scope="module")
def customer(shop: Shop) -> Customer:
    """A customer with a token."""
    return Customer(shop.ports)


def refusal(customer: Customer) -> requests.Response:
    """The answer to an order that is not to succeed."""
    with pytest.raises(requests.HTTPError) as refused:
        customer.order()
    return refused.value.response


@pytest.mark.parametrize(
    ("control", "status"),
    [({"mode": "decline"}, 402), ({"mode": "error"}, 502), ({"delay_seconds": 5}, 503)],
)
def test_payment(shop: Shop, customer: Customer, control: dict[str, Any], status: int) -> None:
    """Declined, failing, too slow: three different clear answers, and the next order succeeds."""
    address = f"{shop.ports.url('payment')}/control"
    requests.put(address, json=control, timeout=5).raise_for_status()
    try:
        answer = refusal(customer)
    finally:
        requests.put(address, json={"mode": "ok", "delay_seconds": 0}, timeout=5).raise_for_status()
    assert answer.status_code == status
    assert "payment" in answer.json()["detail"]
    assert customer.order().answer["status"] == "paid"


def test_broker_down(shop: Shop, customer: Customer, broker: ExitStack, broker_port: int) -> None:
    """The order is taken at once, kept with a word in the log, and confirmed when the broker is back."""
    customer.order()  # so that the worker may have a task in hand
    broker.close()
    started = time.monotonic()
    order = customer.order()
    assert time.monotonic() - started < QUICK_SECONDS
    assert order.answer["status"] == "paid"
    wait_until(lambda: "event kept in the outbox" in shop.log("orders"), "the word in the log")

    broker.enter_context(redis(broker_port))
    said = customer.mail_about(order, seconds=40) or "".join(map(shop.log, ("republisher", "worker")))
    assert isinstance(said, dict), f"the mail never came:\n{said}"
    wait_until(
        lambda: order.answer["correlation_id"] in shop.log("worker"), "the order's ID on the task's line"
    )


def test_auth_hangs(shop: Shop, customer: Customer) -> None:
    """An auth that answers nothing costs the customer a few seconds at most, and recovers by itself."""
    with shop.frozen("auth"):
        answer = refusal(customer)
    assert answer.status_code == 503
    assert set(answer.json()) == {"detail", "correlation_id"}
    assert customer.order().answer["status"] == "paid"


def test_auth_down(shop: Shop, customer: Customer) -> None:
    """A clean 503 with the ID, under which the console has the log lines; then auth is left in peace."""
    os.killpg(shop.pid("auth"), signal.SIGKILL)
    started = time.monotonic()
    answer = refusal(customer)
    assert time.monotonic() - started < QUICK_SECONDS
    assert answer.status_code == 503
    assert answer.json()["detail"] == "The auth service is not available."
    correlation_id = answer.json()["correlation_id"]
    assert correlation_id == answer.headers["X-Correlation-ID"]
    telemetry = Telemetry(shop.ports.url("console"))
    wait_until(lambda: telemetry.logs(correlation_id), "the request's log lines at the console")
    assert "Traceback" not in shop.log("orders")

    for _ in range(6):
        refusal(customer)
    assert "auth is failing, not asked" in shop.log("orders")
