"""Without --url: who answers at the usual address is asked only if it is this service."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import call_command
from django.test import override_settings

from demo_services.ports import free_port
from django_observe.doctor import (
    clock,
    metricspage,
    readiness,
    run,
    service,
    serviceexport,
    servicemetric,
    servicesampling,
    servicespan,
    serviceurl,
)
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import NOT_CONFIGURED
from tests.doctor.answering import Answering, Told
from tests.doctor.serving import served

HOPS = (service, clock, metricspage, readiness, servicemetric, serviceexport, servicespan, servicesampling)


def test_this_service_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop"}), served() as url:
        monkeypatch.setattr(serviceurl, "USUAL", url)
        assert serviceurl.usual() == ((url,), "")


def test_another_service_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it told METRICS_TOKEN."""
    page = b'observe_info{service="other",version=""} 1\n'
    with Answering(lambda _: Told(200, {}, page)) as other:
        monkeypatch.setattr(serviceurl, "USUAL", other.url)
        with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop", "METRICS_TOKEN": "sesame"}):
            assert serviceurl.usual() == ((), f"{other.url} is of 'other'; --url says where 'shop' runs")
    assert [asked.headers["Authorization"] for asked in other.requests] == [None]


def test_another_program_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with Answering(lambda _: Told(503, {}, b'{"status": "failed"}')) as other:
        monkeypatch.setattr(serviceurl, "USUAL", other.url)
        told = f"{other.url} shows nobody a metrics page of 'tests'; --url says where the service runs"
        assert serviceurl.usual() == ((), told)


def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serviceurl, "USUAL", f"http://127.0.0.1:{free_port()}")
    assert serviceurl.usual()[1].startswith("nobody at http://127.0.0.1:")
    with override_settings(DJANGO_OBSERVE={"METRICS_PATH": None}):
        assert serviceurl.usual()[1].startswith("--url says where the service runs: without a metrics page")


def test_then_no_hop_has_anybody_to_ask(sent: Canary) -> None:
    canary = replace(sent, nowhere="nobody is there")
    found = [each for hop in HOPS for each in hop.examine(canary)]
    assert {each.state for each in found} == {NOT_CONFIGURED}
    told = [each.hop for each in found if each.says == "nobody is there"]
    assert told == ["service", "metrics page", "readiness", "service's metric"]
    assert len(found) == len({"clock", "service's span", *told})


def test_a_run_without_url_asks_this_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "HOPS", ("service",))
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop"}), served() as url:
        monkeypatch.setattr(serviceurl, "USUAL", url)
        call_command("observe", "doctor")
    assert f"{url} answered the canary (404) under its ID" in capsys.readouterr().out
