"""A service that answers, and lacks what it needs."""

from __future__ import annotations

from dataclasses import replace

from django.test import override_settings

from django_observe.doctor import readiness
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import NOT_CONFIGURED, OK
from tests.doctor.answering import Answering, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.serving import served

AWAY = plant(
    "the service is not ready: its database is away",
    readiness.HOP,
    "the service does not reach what it needs: database",
    "start it, or mend its address in the service's settings: DATABASES",
)
UNTOLD = plant(
    "the service is not ready, and does not tell us why",
    readiness.HOP,
    "a check of the service failed; which, it tells those alone who may read its metrics page",
    "see the log of the service: not ready",
)


def test_what_the_service_needs_is_away(sent: Canary) -> None:
    """The tests' own database is closed to tests that do not ask for it."""
    with served() as url:
        canary = replace(sent, urls=(url,))
        found = diagnosed(readiness.examine(canary), AWAY, PLANTED[AWAY].change)
        assert "/readyz answers 503: database: RuntimeError: Database access not allowed" in found.says
        with override_settings(DJANGO_OBSERVE={"METRICS_ALLOW": []}):
            diagnosed(readiness.examine(canary), UNTOLD, PLANTED[UNTOLD].change)


def test_a_check_of_the_projects_own(sent: Canary) -> None:
    body = b'{"status":"%s","checks":{"shop.stock":{"status":"failed","duration_ms":2.5,"error":"closed"}}}'
    with Answering(lambda _: Told(503, {}, body % b"failed")) as service:
        [found] = readiness.examine(replace(sent, urls=(service.url,)))
    assert (found.says, found.change.endswith(": READY_CHECKS")) == (
        f"{service.url}/readyz answers 503: shop.stock: closed",
        True,
    )


def test_a_service_that_is_ready(sent: Canary) -> None:
    body = b'{"status":"ok","checks":{"database":{"status":"ok","duration_ms":1.0}}}'
    with Answering(lambda _: Told(200, {}, body)) as service:
        [found] = readiness.examine(replace(sent, urls=(service.url,)))
    assert (found.state, found.says) == (OK, f"{service.url}/readyz says ready: database")


def test_what_is_not_the_kits_answer_is_not_judged(sent: Canary) -> None:
    with Answering(lambda _: Told(503, {}, b"sorry")) as proxy:
        assert [each.state for each in readiness.examine(replace(sent, urls=(proxy.url,)))] == [
            NOT_CONFIGURED
        ]
    with override_settings(DJANGO_OBSERVE={"READY_PATH": None}):
        assert [each.state for each in readiness.examine(sent)] == [NOT_CONFIGURED]
