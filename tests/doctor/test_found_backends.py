"""Backends that BACKENDS does not name, and that were only found on this machine: never broken."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

import pytest

from django_observe.doctor import console, servicespan
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import NOT_CONFIGURED
from tests.console.running import running
from tests.doctor.examining import HOPS, examined, states
from tests.doctor.served import ID, RECORDED, TRACE, answer, canary, recording, serving

pytestmark = pytest.mark.usefixtures("exporting")


@pytest.mark.parametrize("name", ["jaeger", "loki"])
def test_what_was_only_found_here_may_be_for_others(name: str) -> None:
    with recording(name) as url:
        found = examined(name, url, found=True, trace_id="f" * 32, correlation_id="nothing-here")
    assert states(found) == [NOT_CONFIGURED]


@pytest.mark.parametrize("recorded", ["loki_with_tenants", "loki_without_metadata"])
def test_a_loki_that_was_only_found_may_be_as_it_likes(recorded: str) -> None:
    with recording(recorded) as url:
        (found,) = examined("loki", url, found=True)
    assert (found.state, "is another project's unless BACKENDS names it" in found.says) == (
        NOT_CONFIGURED,
        True,
    )


def failing(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"out of order", "text/plain", 500)


@pytest.mark.parametrize("name", HOPS)
def test_one_that_was_only_found_may_be_out_of_order(name: str) -> None:
    with serving(failing) as url:
        assert states(examined(name, url, found=True)) == [NOT_CONFIGURED]


def test_no_hop_asks_for_spans_what_was_only_found_and_is_out_of_order() -> None:
    with serving(failing) as odd, recording("jaeger") as jaeger:
        sent = canary(Backends(console=odd), answered={"http://shop": ID})
        assert states(list(servicespan.examine(sent))) == [NOT_CONFIGURED]
        store = console.trace_store(canary(Backends(console=odd, jaeger=jaeger)))
    assert store is not None
    assert store.url == jaeger


def test_spans_may_still_be_on_their_way_to_one_that_was_only_found() -> None:
    """As behind a collector that sends in batches."""
    recorded = json.loads((RECORDED / "jaeger.json").read_text())[f"/api/v3/traces/{TRACE}"]
    looks: list[str] = []

    def answering(handler: BaseHTTPRequestHandler) -> None:
        looks.append(handler.path)
        answer(
            handler,
            recorded["body"].encode() if len(looks) > 1 else b"{}",
            status=200 if len(looks) > 1 else 404,
        )

    with serving(answering) as url:
        assert console.trace_store(canary(Backends(jaeger=url))) is not None


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "no OTLP endpoint is set"),
        ("OTEL_LOGS_EXPORTER", "OTEL_LOGS_EXPORTER is not otlp"),
    ],
)
def test_without_the_services_variables_it_is_said_of_whom_nothing_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, variable: str, why: str
) -> None:
    """The service may have delivered some, as the hop of its export says beside it."""
    monkeypatch.delenv(variable)
    with running() as here:
        [*_, lines] = examined("console", here.pages, found=True)
        sent = canary(Backends(console=here.pages), answered={"http://shop": ID})
        [span] = servicespan.examine(sent)
    assert lines.says == f"not looked for: this process exports no lines, as {why}"
    told = "not looked for: this process exports no spans"
    known = "no console or Jaeger is known that has the canary's trace"
    assert span.says == (told if variable == "OTEL_EXPORTER_OTLP_ENDPOINT" else known)


@pytest.mark.parametrize("name", HOPS)
def test_none_is_said_to_be_away_that_was_not_asked(name: str) -> None:
    known = Backends(looked=False)
    assert [each.says for each in HOPS[name].examine(canary(known))] == [known.absent(HOPS[name].HOP)]
