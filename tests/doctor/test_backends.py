"""Where the doctor looks: what BACKENDS names, and what answers as itself on this machine."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from django_observe import conf
from django_observe.doctor import backends
from django_observe.doctor.backends import Backends
from django_observe.doctor.source import USUAL
from tests.doctor.served import answer, recording, serving


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The usual ports are others here, as a machine of tests may have something at the usual ones."""
    nobody = dict.fromkeys(USUAL, "http://127.0.0.1:9")
    monkeypatch.setattr(backends, "USUAL", nobody)
    return nobody


def known() -> Backends:
    return backends.from_settings(conf.settings())


@pytest.mark.parametrize(
    "endpoint",
    ["", "http://127.0.0.1:4318", "http://localhost:4318", "http://[::1]:4318/", "http://[::1:4318"],
)
def test_what_is_on_this_machine_is_found(
    ports: dict[str, str], monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    with recording("jaeger") as jaeger, recording("loki") as loki:
        ports |= {"jaeger": jaeger, "loki": loki}
        assert known() == Backends(jaeger=jaeger, loki=loki)


@pytest.mark.parametrize("endpoint", ["https://otlp.example.com", "http://collector:4318"])
def test_nothing_is_asked_where_telemetry_goes_elsewhere(
    ports: dict[str, str], monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    asked: list[str] = []

    def answering(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        answer(handler, b'{"services": []}')

    with serving(answering) as url:
        ports["jaeger"] = url
        assert known() == Backends()
        assert known().absent("Jaeger").endswith("this machine was not asked for one")
    assert asked == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b'"services"', b""])
def test_another_program_at_a_usual_port_is_nobody(
    ports: dict[str, str], monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    with serving(lambda handler: answer(handler, body)) as url:
        ports |= dict.fromkeys(ports, url)
        assert known() == Backends()


def test_what_is_named_is_not_looked_for(settings: Any) -> None:
    settings.DJANGO_OBSERVE = {"BACKENDS": {"loki": "http://loki:3100/", "grafana": "http://grafana:3000"}}
    expected = Backends(
        loki="http://loki:3100", grafana="http://grafana:3000", given=frozenset({"loki", "grafana"})
    )
    assert known() == expected
