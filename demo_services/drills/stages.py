"""The states that the demo is put into so that every panel has something to show."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

from dashboards import scrape
from dashboards.rules.slo import BUDGET_REMAINING
from demo_services.drills.shop import Shop
from demo_services.programs import Program
from django_observe.metricset import (
    CACHE_MISSES,
    DB_ERRORS,
    HTTP_EXCEPTIONS_BY_TYPE,
    HTTP_EXCEPTIONS_BY_VIEW,
    HTTP_RESPONSES,
    INTERNAL_FAILURES,
    METRIC_OVERFLOW,
    SCRAPE_INCOMPLETE,
    TELEMETRY_DROPPED,
)
from django_observe.taskmetricset import TASK_FAILED, TASK_REJECTED, TASK_RETRIED, TASK_REVOKED

HTTP_SECONDS = 10
NO_SUCH_FORMAT = {"Accept": "application/openmetrics-text; version=x"}
NO_SUCH_SIGNATURE = {
    "Authorization": "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmVkIGJ5IG5vYm9keQ"
}
"""A JSON Web Token that says nothing; orders forgets the keys it has cached, and asks auth for new ones."""
GUNICORN = ("-c", "python:django_observe.gunicorn")


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of the demo, in words, and how it is brought about and ended."""

    title: str
    begin: Callable[[Shop], object]
    end: Callable[[Shop], object]
    shows: frozenset[str] = frozenset()
    """Names of what it counts; it ends when every query about one of them has answered. None: about any."""
    seconds: float = 40
    """The longest it lasts."""


def _fail(shop: Shop) -> None:
    shop.set_fault("orders", errors=0.3)
    shop.set_fault("notifications", poison=0.5)
    requests.get(f"{shop.plan.ports.url('orders')}/api/orders", timeout=HTTP_SECONDS, allow_redirects=False)


def _mend(shop: Shop) -> None:
    shop.clear_faults("orders")
    shop.clear_faults("notifications")


def _intrude(shop: Shop) -> None:
    orders = shop.plan.ports.url("orders")
    requests.get(f"{orders}/api/orders/", headers=NO_SUCH_SIGNATURE, timeout=HTTP_SECONDS)
    requests.get(f"{orders}/metrics", headers=NO_SUCH_FORMAT, timeout=HTTP_SECONDS).raise_for_status()


def _publish(shop: Shop) -> None:
    argv = [sys.executable, "-m", "demo_services.drills.publisher"]
    shop.start(replace(shop.plan.worker(), name="publisher", argv=argv, ready=None))


def _incomplete(auth: Program) -> Program:
    return replace(auth, argv=[*(word for word in auth.argv if word not in GUNICORN), "--workers", "2"])


def _restart(shop: Shop, auth: Program) -> None:
    shop.kill("auth")
    shop.start(auth)


def _database(times: str = "") -> Stage:
    return Stage(
        f"orders dependency=database{times}",
        lambda shop: shop.set_fault("orders", dependency="database"),
        lambda shop: shop.clear_faults("orders"),
        frozenset({DB_ERRORS.total}),
        seconds=30,
    )


def _usurp(shop: Shop) -> None:
    shop.kill("console")
    shop.start(replace(shop.plan, ports=replace(shop.plan.ports, payment=shop.plan.ports.otlp)).payment())


def _nothing(_: Shop) -> None:
    """A stage that is over when it has begun."""


HEALTHY = Stage("all is well", _nothing, _nothing, seconds=90)
STAGES = (
    HEALTHY,
    Stage(
        "orders errors=0.3, notifications poison=0.5",
        _fail,
        _mend,
        frozenset(
            {
                HTTP_RESPONSES.total,
                HTTP_EXCEPTIONS_BY_TYPE.total,
                HTTP_EXCEPTIONS_BY_VIEW.total,
                TASK_FAILED.total,
                BUDGET_REMAINING,  # told every few minutes only, also when time runs faster
            }
        ),
        seconds=110,
    ),
    Stage(
        "the mail server is gone",
        lambda shop: shop.kill("mail"),
        lambda shop: shop.start(shop.plan.mail()),
        frozenset({TASK_RETRIED.total}),
    ),
    _database(),
    Stage(
        "somebody shows a token that nobody signed, and asks for metrics in a format that does not exist",
        _intrude,
        _nothing,
        frozenset({CACHE_MISSES.total, INTERNAL_FAILURES.total}),
    ),
    Stage(
        "a publisher puts a number into each routing key, sends a task that no worker has, and revokes some",
        _publish,
        _nothing,
        frozenset({METRIC_OVERFLOW.total, TASK_REJECTED.total, TASK_REVOKED.total}),
    ),
    Stage(
        "auth is gone",
        lambda shop: shop.kill("auth"),
        lambda shop: shop.start(shop.plan.service("auth")),
        frozenset({scrape.UP, scrape.ALERTS}),
        seconds=60,
    ),
    Stage(
        "auth runs with two workers and without our configuration of gunicorn",
        lambda shop: _restart(shop, _incomplete(shop.plan.service("auth"))),
        lambda shop: _restart(shop, shop.plan.service("auth")),
        frozenset({SCRAPE_INCOMPLETE.name}),
    ),
    _database(", once more: a counter's first value is no increase"),
    Stage(
        "something else listens where traces and logs are sent, and answers 404",
        _usurp,
        _nothing,
        frozenset({TELEMETRY_DROPPED.total}),
    ),
)
