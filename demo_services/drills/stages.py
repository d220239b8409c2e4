"""The states that the demo is put into so that every panel has something to show."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

from demo_services.drills.shop import Shop

HTTP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of the demo, in words, and how it is brought about and ended."""

    title: str
    begin: Callable[[Shop], object]
    end: Callable[[Shop], object]
    seconds: float = 30
    """The longest it lasts; it ends when every query that may have an answer has had one."""


def _fail(shop: Shop) -> None:
    shop.set_fault("orders", errors=0.3)
    shop.set_fault("notifications", poison=0.5)
    requests.get(f"{shop.plan.ports.url('orders')}/api/orders", timeout=HTTP_SECONDS, allow_redirects=False)


def _mend(shop: Shop) -> None:
    shop.clear_faults("orders")
    shop.clear_faults("notifications")


def _usurp(shop: Shop) -> None:
    shop.kill("console")
    shop.start(replace(shop.plan, ports=replace(shop.plan.ports, payment=shop.plan.ports.otlp)).payment())


HEALTHY = Stage("all is well", lambda _: None, lambda _: None, seconds=90)
STAGES = (
    HEALTHY,
    Stage("orders errors=0.3, notifications poison=0.5", _fail, _mend),
    Stage(
        "the mail server is gone",
        lambda shop: shop.kill("mail"),
        lambda shop: shop.start(shop.plan.mail()),
    ),
    Stage(
        "orders dependency=database",
        lambda shop: shop.set_fault("orders", dependency="database"),
        lambda shop: shop.clear_faults("orders"),
    ),
    Stage("something else listens where traces and logs are sent, and answers 404", _usurp, lambda _: None),
)
