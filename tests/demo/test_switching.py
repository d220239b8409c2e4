"""Each fault in the running demo: switched on it shows, in answers and in telemetry, and off it is gone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from demo_services.customer import Customer
from demo_services.plan import Plan
from tests.demo.shop import Shop, free_offset, open_shop
from tests.demo.switching import call, faulty, line, refusal, sample, spans_of, switches, under
from tests.processes import Process, wait_until

FAILING = "SwitchedOnError"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A running demo in which notifications fails from the start, by the environment."""
    with open_shop(DEMO_FAULTS_NOTIFICATIONS="errors=1,latency=0.01") as running:
        yield running


@pytest.fixture(scope="module")
def customer(shop: Shop) -> Customer:
    """A customer with a token."""
    return Customer(shop.ports)


def test_errors_by_command(shop: Shop, customer: Customer) -> None:
    """Every request of orders fails with a line, a span and a count; then none does."""
    switched = call(shop, "orders", "errors=1")
    assert (switched.returncode, switched.stdout.split(" (")[0]) == (0, "orders: errors=1")
    before = sample(shop, "orders", r'django_http_responses_total_by_status_total\{status="500"\}')
    answer = refusal(customer)
    assert answer.status_code == 500
    correlation_id = answer.headers["X-Correlation-ID"]
    told = line(shop, "orders", under(correlation_id))
    assert (told["level"], told["status"], told["error_type"].split(".")[-1]) == ("ERROR", 500, FAILING)
    assert "fail_or_view" in told["stack"]
    assert "DELETE /faults of orders" in told["error_message"]
    failed = spans_of(shop, correlation_id, lambda span: span.kind == "server")
    assert failed[0].attributes["http.response.status_code"] in (500, "500")
    assert sample(shop, "orders", r'django_http_responses_total_by_status_total\{status="500"\}') > before
    assert sample(shop, "orders", rf"django_http_exceptions_total_by_type_total\{{type=\"{FAILING}\"\}}") >= 1

    assert "errors=1" in call(shop, "orders").stdout
    assert "no fault is on" in call(shop, "orders", "off").stdout
    assert customer.order().answer["status"] == "paid"


def test_latency_by_form(shop: Shop) -> None:
    """A form is understood too; only the service's own views are slow, inside the request that is timed."""
    address, seconds = f"{shop.ports.url('auth')}/.well-known/jwks.json", 2.0
    assert switches(shop, "auth", "PUT", data={"latency": seconds}).json()["faults"] == {"latency": seconds}
    answer = requests.get(address, timeout=10)
    started = time.monotonic()
    assert switches(shop, "auth").json()["faults"] == {"latency": seconds}
    assert requests.get(f"{shop.ports.url('auth')}/", timeout=10).json()["faults"] == {"latency": seconds}
    assert time.monotonic() - started < seconds
    told = line(shop, "auth", under(answer.headers["X-Correlation-ID"]))
    assert told["duration_ms"] >= seconds * 1000
    assert switches(shop, "auth", "PUT", data={"latency": "0"}).json()["faults"] == {}
    assert requests.get(address, timeout=10).elapsed.total_seconds() < seconds


def test_environment(shop: Shop) -> None:
    """What the environment switched on is on from the start, and goes off like everything else."""
    address = f"{shop.ports.url('notifications')}/api/notifications/"
    assert switches(shop, "notifications").json()["faults"] == {"errors": 1.0, "latency": 0.01}
    assert requests.get(address, timeout=10).status_code == 500
    assert switches(shop, "notifications", "DELETE").json()["faults"] == {}
    assert requests.get(address, timeout=10).status_code == 200


def test_database(shop: Shop, customer: Customer) -> None:
    """Orders fail with Django's OperationalError, readiness says so, and connections come back."""
    ready = f"{shop.ports.url('orders')}/readyz"
    with faulty(shop, "orders", dependency="database"):
        answers = [refusal(customer) for _ in range(2)]
        assert requests.get(ready, timeout=10).status_code == 503
        line(shop, "republisher", lambda record: record["message"].startswith("database unavailable"))
    assert {answer.status_code for answer in answers} == {500}
    ids = [answer.headers["X-Correlation-ID"] for answer in answers]
    told = [line(shop, "orders", under(correlation_id)) for correlation_id in ids]
    assert {record["error_type"] for record in told} == {"django.db.utils.OperationalError"}
    assert sample(shop, "orders", r"django_db_new_connection_errors_total\{.*") >= 1
    wait_until(lambda: requests.get(ready, timeout=10).ok, "orders to be ready again", timeout=10)
    assert customer.order().answer["status"] == "paid"
    assert "republisher ended" not in shop.process.stdout


@pytest.mark.parametrize("service", ["auth", "payment"])
def test_http_dependency(shop: Shop, customer: Customer, service: str) -> None:
    """Calls end as if nothing listened: retried, counted without a status, answered with a clear 503."""
    counted = r'http_client_request_duration_seconds_count\{.*http_response_status_code="".*\}'
    before = sample(shop, "orders", counted)
    with faulty(shop, "orders", dependency=service):
        answer = refusal(customer)
    assert answer.status_code == 503
    assert answer.json()["detail"] == f"The {service} service is not available."
    assert sample(shop, "orders", counted) - before == 3
    failed = spans_of(shop, answer.headers["X-Correlation-ID"], lambda span: span.kind == "client", least=3)
    assert len(failed) >= 3
    assert customer.order().answer["status"] == "paid"


def test_broker(shop: Shop, customer: Customer) -> None:
    """Orders are taken and their events kept; once it is back, the next order's event goes out at once."""
    with faulty(shop, "orders", dependency="broker"):
        kept = customer.order()
    told = line(shop, "orders", lambda record: "kept in the outbox" in record["message"])
    assert told["correlation_id"] == kept.correlation_id
    assert "Connection refused" in told["reason"]
    assert customer.mail_about(customer.order(), seconds=10)
    assert customer.mail_about(kept, seconds=20), "the kept event was never published"


def test_tasks(shop: Shop, customer: Customer) -> None:
    """A poisoned task fails with a line and a count, a slow one takes its time, both in the worker."""
    failed = rf"celery_task_failed_total\{{.*{FAILING}.*\}}"
    with faulty(shop, "notifications", poison=1, task_latency=0.3):
        order = customer.order()
        wait_until(lambda: sample(shop, "worker_metrics", failed) == 1, "the failed task's count")
    told = line(
        shop,
        "worker",
        lambda record: record["correlation_id"] == order.correlation_id and "error_type" in record,
    )
    assert (told["level"], told["error_type"].split(".")[-1]) == ("ERROR", FAILING)
    assert told["duration_ms"] >= 300
    assert customer.mail_about(customer.order(), seconds=10)
    assert customer.mail_about(order, seconds=0) is None


def test_customers_outlast_faults(shop: Shop) -> None:
    """Locust's users who cannot sign in try again, then order, look at orders and ask for their mails."""
    switches(shop, "notifications", "DELETE")
    plan = Plan(shop.ports, shop.state)
    traffic = plan.traffic(users=2, think_seconds="0.1-0.2")
    with faulty(shop, "auth", errors=1), Process(traffic.argv, cwd=traffic.cwd, env=traffic.env) as locust:
        locust.wait_for(lambda: shop.log("auth").count("POST /api/register/ 500") > 2, "failing attempts")
        switches(shop, "auth", "DELETE")
        for program, said in (
            ("orders", r"POST /api/orders/ 201"),
            ("orders", r"POST /api/orders/ 400"),
            ("orders", r"GET /api/orders/\S{36}/ 200"),
            ("notifications", r"GET /api/notifications/ 200"),
        ):
            locust.wait_for(lambda p=program, s=said: re.search(s, shop.log(p)), said)  # type: ignore[misc]


def test_bad_version(shop: Shop) -> None:
    """The runner starts a second orders, of another version and with faults of its own, and ends it."""
    switched = call(shop, "orders", "version=bad")
    assert switched.returncode == 0
    assert f"orders-canary is that version: a second orders at {shop.ports.url('canary')}," in switched.stdout
    page = f"{shop.ports.url('canary')}/"
    wait_until(lambda: requests.get(page, timeout=5).ok, "the canary", timeout=30)
    assert requests.get(page, timeout=5).json()["version"] == "1.1.0-bad"
    assert requests.get(f"{shop.ports.url('orders')}/", timeout=5).json()["version"] == "1.0.0"
    info = r'observe_info\{.*service="orders".*version="1\.1\.0-bad".*\}'
    assert sample(shop, "canary", info) == 1
    assert "orders-canary: errors=0.5" in call(shop, "orders-canary").stdout
    shop.process.wait_for_line(f"orders-canary is started at {shop.ports.url('canary')}")
    call(shop, "orders", "off")
    shop.process.wait_for_line("orders-canary has ended")
    assert not (shop.state / "pid" / "orders-canary").exists()
    assert "ended (" not in shop.process.stdout


@pytest.mark.parametrize(
    ("service", "options", "says"),
    [
        ("orders", {"json": {"errors": 2}}, "errors is 2; accepted is a share from 0 to 1"),
        ("orders", {"json": {"latency": 0.1, "eror": 1}}, "eror (1) is no switch of this service"),
        ("orders", {"json": {"dependency": "moon"}}, "database or auth or payment or broker"),
        ("auth", {"json": {"poison": 1}}, "poison (1) is no switch of this service"),
        ("notifications", {"json": {"dependency": ["broker"]}}, "accepted is database"),
        ("orders", {"data": {"version": "good"}}, "version is 'good'; accepted is bad"),
        ("orders", {"json": ["errors"]}, "no JSON object"),
        ("orders", {"data": b"\xff{"}, "no JSON object"),
    ],
)
def test_bad_request(shop: Shop, service: str, options: dict[str, Any], says: str) -> None:
    """A 400 that says what is accepted, and nothing is changed."""
    before = switches(shop, service).json()
    answer = switches(shop, service, "PUT", **options)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert answer.json()["accepted"] == before["accepted"]
    assert switches(shop, service).json() == before


def test_bad_method(shop: Shop) -> None:
    """POST, which a foreign page could send, switches nothing."""
    answer = switches(shop, "orders", "POST", data={"errors": "1"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT, DELETE")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bank"], "no service 'bank'; there are auth, orders, notifications"),
        (["orders", "errors"], "'errors' is not understood; write key=value"),
        (["orders", "off", "errors=1"], "'off' is not understood"),
        (["orders", "errors=often"], "errors is 'often'; accepted is a share from 0 to 1"),
        (["orders", "poison=1"], "poison ('1') is no switch of this service"),
    ],
)
def test_bad_call(shop: Shop, words: list[str], says: str) -> None:
    """The command says what it takes, and its exit status is 1."""
    refused = call(shop, *words)
    assert (refused.returncode, says in refused.stdout) == (1, True), refused.stdout


def test_nothing_runs(shop: Shop) -> None:
    """A demo that is not there is named as the reason, with where it was looked for."""
    refused = call(shop, "orders", "off", offset=free_offset())
    assert refused.returncode == 1
    assert "Is the demo running (make demo)?" in refused.stdout
