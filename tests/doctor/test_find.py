"""`manage.py observe find`: links, and one timeline of what the console, Jaeger and Loki know."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.management import CommandError, call_command

from django_observe.doctor import backends
from tests.console.running import running
from tests.doctor.served import ID, TRACE, recording

PARENT = f"00-{TRACE}-00000000000000aa-01"


def found(identifier: str) -> tuple[int, str]:
    """Exit status and output."""
    out, status = StringIO(), 0
    try:
        call_command("observe", "find", identifier, "--width", "120", stdout=out, no_color=True)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, out.getvalue()


@pytest.fixture
def named(settings: Any) -> Any:
    """Sets BACKENDS."""

    def name(**backends: str) -> None:
        settings.DJANGO_OBSERVE = {"BACKENDS": backends}

    return name


@pytest.mark.parametrize("identifier", [ID, TRACE])
def test_a_span_of_jaeger_has_its_lines_of_loki(named: Any, identifier: str) -> None:
    with recording("jaeger") as jaeger, recording("loki") as loki:
        named(jaeger=jaeger, loki=loki, grafana="http://grafana:3000")
        status, text = found(identifier)
    assert status == 0
    store, journey, _, heading, ids, caller, span, *lines = filter(None, text.splitlines())
    assert store == f"Jaeger: trace       {jaeger}/trace/{TRACE}"
    assert journey == f"Grafana: journey    http://grafana:3000/d/observe-journey?var-correlation_id={ID}"
    assert heading.startswith("GET order/<int:n>  shop")
    assert heading.endswith("1 span, 2 log lines, 1 service")
    assert f"trace {TRACE}  correlation ID {ID}" in ids
    assert caller.startswith("span 00000000000000aa has not arrived")
    assert span.startswith("  shop GET order/<int:n>")
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    assert "selling 3" in lines[0]


def test_a_line_that_an_agent_brought_from_stdout_is_read_as_ours(named: Any) -> None:
    """It is JSON in a line, and has its IDs, its level and its message in there."""
    with recording("jaeger") as jaeger, recording("loki") as loki:
        named(jaeger=jaeger, loki=loki)
        status, text = found("by-an-agent-0009")
    assert status == 0
    assert "trace 0c0ffee0000100000000000000000009  correlation ID by-an-agent-0009" in text
    assert "INFO GET /order/9 200 3.1 ms" in text
    assert '"message"' not in text


@pytest.mark.parametrize(
    "text",
    [
        f"X-Correlation-ID: {ID}",
        f'"correlation_id": "{ID}"',
        f"trace_id={TRACE}",
        PARENT,
        f"traceparent: {PARENT}",
    ],
)
def test_an_id_is_found_with_the_name_it_was_copied_with(named: Any, text: str) -> None:
    with recording("jaeger") as jaeger:
        named(jaeger=jaeger)
        status, out = found(text)
    assert (status, f"trace {TRACE}  correlation ID {ID}" in out) == (0, True)


@pytest.mark.parametrize(
    ("beginning", "page"), [(TRACE[:8], f"/trace/{TRACE}"), (f"{ID[:-2]}\u2026", f"/c/{ID}")]
)
def test_the_console_resolves_the_beginning_of_an_id(named: Any, beginning: str, page: str) -> None:
    with running() as here:
        send(here)
        named(console=here.pages)
        status, text = found(beginning)
    assert (status, f"{here.pages}{page}\n" in text) == (0, True)


def test_a_counted_id_is_not_taken_for_a_longer_one(named: Any) -> None:
    """Loki has the one that the console does not; where nothing has it the longer one is only offered."""
    longer = f"{ID}1"
    with running() as here, recording("loki") as loki:
        send(here, longer, "ab" * 16)
        named(console=here.pages, loki=loki)
        status, text = found(ID)
        assert (status, longer in text, "selling 3" in text) == (0, False, True)
        named(console=here.pages)
        status, text = found(ID)
        assert status == 1
        assert text.endswith(f"\nNothing of {ID} was found in console. These IDs begin so:\n  {longer}\n")
        assert "stocktaking" not in text
        assert found(f"{ID}...")[0] == 0


def test_grafana_is_asked_for_the_lines(named: Any) -> None:
    named(grafana="http://grafana:3000/")
    status, text = found(ID)
    assert status == 1
    assert f'{{service_name=~\\".+\\"}} | correlation_id=\\"{ID}\\"' in unquote(text)
    assert f"Nothing of {ID} was found: BACKENDS names no console, jaeger or loki" in text


@pytest.mark.parametrize(("endpoint", "remedy"), [("", True), ("http://collector:4318", False)])
def test_what_to_do_without_backends_is_said(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, remedy: bool
) -> None:
    """A console that is started here is not looked for where telemetry goes elsewhere."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setattr(backends, "_found", lambda _: None)  # of what developers run beside the tests
    status, text = found("order-from-a-mail")
    assert status == 1
    assert "; name one in DJANGO_OBSERVE['BACKENDS']" in text
    assert (", or start one by `django-observe console`." in text) == remedy
    assert "Only the console finds an ID by its first eight characters; elsewhere it has to be whole" in text
    assert "has to be whole" not in found(TRACE)[1]


def test_what_two_backends_know_is_told_once(named: Any) -> None:
    """The console has the same span and one more, of another service, and a line without a trace."""
    with running() as here, recording("jaeger") as jaeger, recording("loki") as loki:
        send(here)
        named(console=here.pages, jaeger=jaeger, loki=loki)
        status, text = found(ID)
    assert status == 0
    assert "2 spans, 2 log lines, 2 services" in text
    assert text.count("selling 3") == 1
    assert "Log lines outside of a trace:" in text
    assert f"console             {here.pages}/c/{ID}\n" in text


def send(here: Any, identifier: str = ID, trace_id: str = TRACE) -> None:
    """What another service told the console of an ID."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "stock"}}]}
    told = [{"key": "correlation_id", "value": {"stringValue": identifier}}]
    now = str(time.time_ns())
    span = {"traceId": trace_id, "spanId": "b" * 16, "name": "take", "attributes": told}
    span |= {"startTimeUnixNano": now, "endTimeUnixNano": now}
    line = {"timeUnixNano": now, "body": {"stringValue": "stocktaking"}, "attributes": told}
    here.send("/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
    here.send("/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [line]}]}]})


def test_a_backend_that_is_away_is_said_and_the_others_are_asked(named: Any) -> None:
    with recording("jaeger") as away:
        pass
    with recording("loki") as loki:
        named(jaeger=away, loki=loki)
        status, text = found(ID)
    assert status == 0
    assert text.count(f"Jaeger does not answer at {away}: connection refused") == 1
    assert "no span has arrived" in text


@pytest.mark.parametrize("identifier", ["short", "has space in it", "x" * 200, "'; drop"])
def test_what_is_no_id_is_not_looked_for(identifier: str) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command("observe", "find", identifier)
