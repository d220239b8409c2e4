"""Traces that are not in Jaeger, and where none are to be there."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from django_observe.doctor import servicespan, taskspans
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import NOT_CONFIGURED
from tests.doctor.examining import examined, states
from tests.doctor.faulttable import assert_found, plant
from tests.doctor.served import ID, TAKER, answer, canary, recording, serving

pytestmark = pytest.mark.usefixtures("exporting")


NOT_IN_JAEGER = plant(
    "spans go to another place than Jaeger",
    "Jaeger",
    "…/v1/traces took them: it is another store's, or a collector's that drops, delays or keeps them",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://…:4318/v1/traces\n"
    "or, behind a collector, exporters: {otlphttp: {endpoint: http://…:4318}}"
    "    # in a collector's pipeline of traces",
)
NO_ENDPOINT = plant(
    "BACKENDS names Jaeger, no endpoint is set",
    "Jaeger",
    "no OTLP endpoint is set where this process was started",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://…:4318/v1/traces\n"
    "or, behind a collector, exporters: {otlphttp: {endpoint: http://…:4318}}"
    "    # in a collector's pipeline of traces",
)


def test_a_trace_that_is_not_in_jaeger(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording("jaeger") as url:
        assert_found(examined("jaeger", url, trace_id="f" * 32), NOT_IN_JAEGER)
        sampled_out = examined("jaeger", url, trace_id="f" * 32, is_recorded=False)
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
        assert_found(examined("jaeger", url, trace_id="f" * 32), NO_ENDPOINT)
        assert states(examined("jaeger", url, trace_id="f" * 32, found=True)) == [NOT_CONFIGURED]
    assert states(sampled_out) == [NOT_CONFIGURED]


def test_a_collector_in_front_of_jaeger_keeps_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is as it should be, so the line to change is not this process's."""
    with recording("jaeger") as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
        (found,) = examined("jaeger", url, trace_id="f" * 32)
    assert found.change.startswith("exporters: {otlphttp: {endpoint: http://127.0.0.1:4318}}")


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}, {}],
    ids=["OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED", "TRACES"],
)
@pytest.mark.parametrize("endpoint", [TAKER, ""], ids=["endpoint", "no endpoint"])
def test_traces_that_are_switched_off(
    variables: dict[str, str], endpoint: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is somebody's decision, and no endpoint would change it."""
    settings.DJANGO_OBSERVE = {"SERVICE_NAME": "shop", "TRACES": bool(variables)}
    for name, value in {**variables, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}.items():
        monkeypatch.setenv(name, value)
    with recording("jaeger") as url:
        (found,) = examined("jaeger", url, trace_id="f" * 32, is_recorded=False, delivered={})
    assert (found.state, found.says.startswith("no traces: ")) == (NOT_CONFIGURED, True)


def test_where_no_traces_are_wanted_no_hop_looks_for_them(settings: Any) -> None:
    settings.DJANGO_OBSERVE = {"SERVICE_NAME": "shop", "TRACES": False}
    with recording("jaeger") as url:
        known = Backends(jaeger=url, given=frozenset({"jaeger"}))
        sent = canary(known, trace_id="f" * 32, answered={"http://shop": ID}, is_recorded=False)
        findings = [*servicespan.examine(sent), *taskspans.examine(sent, {"w@here": {"traces": False}}, 1)]
    assert states(findings) == [NOT_CONFIGURED, NOT_CONFIGURED]


def test_what_nobody_has_sent_is_not_waited_for() -> None:
    looks: list[str] = []

    def answering(handler: BaseHTTPRequestHandler) -> None:
        looks.append(handler.path)
        answer(handler, b"{}", status=404)

    with serving(answering) as url:
        examined("jaeger", url, delivered={})
        examined("jaeger", url, is_recorded=False)
        assert len(looks) == 2
        examined("jaeger", url, delivered={}, answered={"http://shop": ID})
        assert len(looks) > 3
