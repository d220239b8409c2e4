"""Faults of a service under gunicorn, as gunicorn's own documentation starts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import override_settings

from django_observe.doctor import metricspage, serviceexport
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, Finding
from tests.collector import Collector
from tests.doctor.answering import Answering, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.running import environment, gunicorn
from tests.processes import get, wait_until

SEVERAL = plant(
    "several workers do not share their metrics",
    "metrics page",
    "each counts for itself, and a scrape meets any of them (observe_scrape_incomplete is 1): rates jump, "
    "and most requests are missing",
    "gunicorn -c python:django_observe.gunicorn ...",
)
ANOTHER = plant(
    "another service answers, or the doctor has another environment",
    "metrics page",
    "another service answers there, or the doctor runs in an environment unlike its own",
    "OTEL_SERVICE_NAME=… manage.py observe doctor    # and all its other OTEL_*",
)
UNDELIVERED = plant(
    "the service cannot deliver what this process can",
    "service's export",
    "its endpoint is another than this process's, or it cannot reach it",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://…    # in the service's environment",
)

NOWHERE = plant(
    "the service has no OTLP endpoint, or samples everything out",
    "service's export",
    "no OTLP endpoint is set where the service was started, its sampler keeps nothing, or its wsgi.py or "
    "asgi.py sets a TracerProvider",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://…    # in the service's environment\n"
    "or remove trace.set_tracer_provider(...)    # from wsgi.py, asgi.py",
)


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """Two workers that share nothing, and whose receiver refuses what they send."""
    with (
        Collector("400") as refusing,
        gunicorn({**environment(), **refusing.environment}, "--workers", "2") as url,
    ):
        yield url


@pytest.fixture
def canary(shop: str, sent: Canary) -> Iterator[Canary]:
    """On its way there, from a process of the same name."""
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop"}):
        yield replace(sent, urls=(shop,))


def test_several_workers_without_shared_metrics(canary: Canary) -> None:
    diagnosed(metricspage.examine(canary), SEVERAL, PLANTED[SEVERAL].change)


def test_the_page_of_another_service(canary: Canary) -> None:
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "checkout"}):
        found = diagnosed(metricspage.examine(canary), ANOTHER, PLANTED[ANOTHER].change.replace("…", "shop"))
    assert found.says.endswith("is of 'shop', and this process is called 'checkout'")


def test_a_service_that_delivers_nothing(canary: Canary) -> None:
    canary.delivered["traces"] = "http://127.0.0.1:4318"

    def broken() -> list[Finding]:
        get(f"{canary.urls[0]}/ok/")
        return [each for each in serviceexport.examine(canary) if each.state == BROKEN]

    found = wait_until(broken, "losses in the service's books")
    diagnosed(found, UNDELIVERED, PLANTED[UNDELIVERED].change.replace("…", "127.0.0.1:4318"))


def test_a_shell_without_the_variables_of_the_service(sent: Canary) -> None:
    page = (
        b'observe_info{service="shop",version="",environment="production"} 1\nobserve_scrape_incomplete 0\n'
        b'observe_telemetry_exported_total{signal="traces"} 9\n'
    )
    with Answering(lambda _: Told(200, {"Content-Type": "text/plain"}, page)) as service:
        [found] = serviceexport.examine(replace(sent, urls=(service.url,)))
    assert found.says == (
        f"{service.url} has delivered 9 spans; this shell has no OTEL_EXPORTER_OTLP_ENDPOINT: "
        "run the doctor with the service's environment"
    )


def test_a_service_that_exports_nothing(sent: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its page as such a service has it, for in the tests' own process others may have exported."""
    monkeypatch.setattr(serviceexport, "WAIT_SECONDS", 0.1)
    page = (
        b'observe_info{service="shop",version="",environment="production"} 1\nobserve_scrape_incomplete 0\n'
    )
    with Answering(lambda _: Told(200, {"Content-Type": "text/plain"}, page)) as service:
        answered = {service.url: sent.correlation_id}
        canary = replace(sent, urls=(service.url,), is_recorded=True, answered=answered)
        change = PLANTED[NOWHERE].change.replace("…", "HOST:4318")
        diagnosed(serviceexport.examine(canary), NOWHERE, change)
        stranger = replace(canary, answered={service.url: "0" * 32})
        assert [each.state for each in serviceexport.examine(stranger)] == [NOT_CONFIGURED]
