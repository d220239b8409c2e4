"""The incidents: how each is caused and healed, which alerts must come, and where their link must lead."""

from collections.abc import Callable
from dataclasses import dataclass

from demo_services.drills.logselection import Line
from demo_services.drills.shop import Shop

Key = tuple[str, str]
"""Alert name and service."""

SLOW_PAYMENT_SECONDS = 1.2
SLOW_TASK_SECONDS = 5
SLOW_MS = 1000


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident; `telling` is the alert whose link is followed, to a line that `offends`.

    That line is from the time of the incident, or, with `silent`, the last one before it. `read_after`: the
    link is followed when all is healed, because the incident takes telemetry away as well.
    """

    name: str
    title: str
    inject: Callable[[Shop], None]
    heal: Callable[[Shop], None]
    expected: frozenset[Key]
    telling: Key
    offends: Callable[[Line], bool]
    may_follow: frozenset[Key] = frozenset()
    """What healing may bring, by chance."""
    silent: bool = False
    read_after: bool = False
    canary: bool = False
    """Whether customers must know of a second orders."""


def _raised(error_type: str) -> Callable[[Line], bool]:
    return lambda line: str(line["attributes"].get("error_type", "")).endswith(error_type)


def _says(text: str) -> Callable[[Line], bool]:
    return lambda line: text in line["message"]


def _request(line: Line) -> bool:
    return bool(line["attributes"].get("event") == "request")


def _task(line: Line) -> bool:
    return bool(line["attributes"].get("event") == "task")


_ALL = (
    Incident(
        "errors",
        "30 % of the requests to orders fail",
        lambda shop: shop.set_fault("orders", errors=0.3),
        lambda shop: shop.clear_faults("orders"),
        frozenset({("ErrorBudgetBurn", "orders")}),
        ("ErrorBudgetBurn", "orders"),
        _raised("SwitchedOnError"),
    ),
    Incident(
        "auth-down",
        "auth dies",
        lambda shop: shop.kill("auth"),
        lambda shop: shop.start(shop.plan.service("auth")),
        # Natively every host is 127.0.0.1, so that absence cannot be told to be the cause of failing calls.
        frozenset(
            {("ServiceAbsent", "auth"), ("ErrorBudgetBurn", "orders"), ("DependencyFailing", "orders")}
        ),
        ("ErrorBudgetBurn", "orders"),
        lambda line: line["attributes"].get("status") == 503,  # noqa: PLR2004
        # The breaker closes after auth is back, and is told of once absence does not silence it any more.
        may_follow=frozenset({("CircuitBreakerOpen", "orders")}),
    ),
    Incident(
        "slow-payment",
        f"the payment API takes {SLOW_PAYMENT_SECONDS} s",
        lambda shop: shop.tell_payment(delay_seconds=SLOW_PAYMENT_SECONDS),
        lambda shop: shop.tell_payment(delay_seconds=0),
        frozenset({("DependencySlow", "orders"), ("LatencyBudgetBurn", "orders")}),
        ("DependencySlow", "orders"),
        lambda line: float(line["attributes"].get("http_ms", 0)) > SLOW_MS,
    ),
    Incident(
        "worker-dead",
        "the only worker of notifications dies",
        lambda shop: shop.kill("worker"),
        lambda shop: shop.start(shop.plan.worker()),
        frozenset({("CeleryWorkerAbsent", "notifications")}),
        ("CeleryWorkerAbsent", "notifications"),
        _task,
        # Tasks have waited; the new worker says so, unless it has done them all before its first scrape.
        may_follow=frozenset({("CeleryQueueWaitLong", "notifications")}),
        silent=True,
    ),
    Incident(
        "poisoned-task",
        "half of the tasks of notifications raise",
        lambda shop: shop.set_fault("notifications", poison=0.5),
        lambda shop: shop.clear_faults("notifications"),
        frozenset({("CeleryTaskFailures", "notifications")}),
        ("CeleryTaskFailures", "notifications"),
        _raised("SwitchedOnError"),
    ),
    Incident(
        "backlog",
        f"each task of notifications takes {SLOW_TASK_SECONDS} s, so the queue grows",
        lambda shop: shop.set_fault("notifications", task_latency=SLOW_TASK_SECONDS),
        lambda shop: shop.clear_faults("notifications"),
        frozenset({("CeleryBacklogGrowing", "notifications"), ("CeleryQueueWaitLong", "notifications")}),
        ("CeleryQueueWaitLong", "notifications"),
        lambda line: _task(line) and float(line["attributes"]["queue_wait_ms"]) > SLOW_MS,
    ),
    Incident(
        "database-gone",
        "orders loses its database",
        lambda shop: shop.set_fault("orders", dependency="database"),
        lambda shop: shop.clear_faults("orders"),
        # Orders fails before it asks auth for the customer, so that auth gets no requests any more.
        frozenset(
            {
                ("ErrorBudgetBurn", "orders"),
                ("DatabaseConnectionErrors", "orders"),
                ("TrafficStopped", "auth"),
            }
        ),
        ("DatabaseConnectionErrors", "orders"),
        _raised("OperationalError"),
    ),
    Incident(
        "telemetry-gone",
        "nothing takes traces and logs any more",
        lambda shop: shop.order_unseen(),
        lambda shop: shop.start(shop.plan.console()),
        frozenset(("TelemetrySilent", service) for service in ("auth", "orders", "notifications")),
        ("TelemetrySilent", "orders"),
        _request,
        read_after=True,
    ),
    Incident(
        "traffic-stops",
        "the customers go away",
        lambda shop: shop.pause_load(),
        lambda shop: shop.resume_load(),
        frozenset({("TrafficStopped", "orders"), ("TrafficStopped", "auth")}),
        ("TrafficStopped", "orders"),
        _request,
        silent=True,
    ),
    Incident(
        "bad-version",
        "one of two instances of orders is a bad version",
        lambda shop: shop.start_canary(),
        lambda shop: shop.end_canary(),
        frozenset({("ErrorBudgetBurn", "orders"), ("BadVersion", "orders")}),
        ("BadVersion", "orders"),
        _raised("SwitchedOnError"),
        canary=True,
    ),
)
INCIDENTS = {incident.name: incident for incident in _ALL}
"""By name, in the order in which they are played."""
