"""What the doctor's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_observe import conf
from django_observe.doctor import backends, canary, serviceurl
from django_observe.doctor.backends import Backends
from django_observe.doctor.canary import Canary
from django_observe.doctor.source import USUAL
from tests.doctor.alone import NOBODY
from tests.doctor.served import TAKER


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the test run's own is in the way."""
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "LOGS_ENDPOINT", "PROTOCOL", "HEADERS", "CERTIFICATE"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_LOGS_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    conf.settings.cache_clear()


@pytest.fixture(autouse=True)
def nobody_at_the_usual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs on this machine, such as the demo."""
    monkeypatch.setattr(backends, "USUAL", dict.fromkeys(USUAL, NOBODY))
    monkeypatch.setattr(serviceurl, "USUAL", NOBODY)


@pytest.fixture
def sent() -> Canary:
    """A canary without URLs and backends."""
    return canary.sent((), 10.0, Backends())


@pytest.fixture
def exporting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The recorded service, which exports both signals."""
    settings.DJANGO_OBSERVE = {"SERVICE_NAME": "shop"}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", TAKER)
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    yield
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")  # when the settings are restored, logging is set up anew
