"""What strangers send and applications log: answered, recorded or counted; nothing is raised."""

from __future__ import annotations

import http.client
import json
import sys

import pytest

from demo_services.ports import free_port
from tests.collector import Collector
from tests.processes import Process
from tests.test_traces import ROOT, run

GREATEST_GROWTH = 2_048
"""Bytes of log that one request may cause, its own line included."""


@pytest.mark.parametrize("propagators", [None, "tracecontext,baggage"])
def test_a_flood_of_baggage_is_answered_and_hardly_logged(propagators: str | None) -> None:
    """90 members of 5 KB and a 60 KB traceparent, from a peer that is trusted."""
    port = free_port()
    uvicorn = [
        *(sys.executable, "-m", "uvicorn"),
        "django.core.asgi:get_asgi_application",
        "--factory",
    ]
    options = ["--port", str(port), "--http", "h11", "--h11-max-incomplete-event-size", "1000000"]
    with Collector() as collector:
        variables = {"DJANGO_SETTINGS_MODULE": "tests.settings", "OTEL_PROPAGATORS": propagators}
        env = {**collector.environment, **variables}
        with Process([*uvicorn, *options], cwd=ROOT, env=env) as server:
            server.wait_for_http(f"http://127.0.0.1:{port}/ok/")
            before = len(server.stdout + server.stderr)
            assert flood(port) == 200
            server.wait_for(lambda: server.stdout.count('"event":"request"') == 2, "the request's line")
            assert len(server.stdout + server.stderr) - before < GREATEST_GROWTH
            collector.wait_for(lambda: len(collector.spans()) == 2)
    assert all(len(span.raw.SerializeToString()) < GREATEST_GROWTH for span in collector.spans())


def flood(port: int) -> int:
    """The status of the answer to it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", "/ok/")
    for number in range(90):
        connection.putheader("baggage", f"member{number}=" + "v" * 5_000)
    connection.putheader("traceparent", "00-" + "a" * 60_000)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_stranger_cannot_have_itself_recorded() -> None:
    """Sampling nothing by oneself leaves what trusted callers sample, and only that."""
    with Collector() as collector:
        run(
            """
sampled = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
client.get("/ok/1/", headers=sampled, REMOTE_ADDR="8.8.8.8")
client.get("/ok/", headers=sampled)
client.get("/ok/2/")
""",
            collector,
            OTEL_TRACES_SAMPLER="parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG="0",
        )
        assert [span.name for span in collector.spans()] == ["GET ok/"]


def test_no_log_call_raises_and_each_is_delivered_or_counted() -> None:
    with Collector() as collector:
        facts = run(
            """
import logging
from tests.hostile import log_calls
raised, uncounted = {}, {}
def counted():
    return export.snapshot()["logs"].accepted + reporting.failures().get("otlplogs", 0)
before = counted()
for name, call in log_calls(logging.getLogger("shop")):
    was = counted()
    try:
        call()
    except BaseException as error:
        raised[name] = type(error).__name__
    if counted() != was + 1:
        uncounted[name] = counted() - was
flushed = export.flush(20)
ledger = export.snapshot()["logs"]
say(raised=raised, uncounted=uncounted, flushed=flushed, calls=counted() - before,
    accepted=ledger.accepted, exported=ledger.exported, lost=ledger.dropped, failures=reporting.failures())
""",
            collector,
            OTEL_LOGS_EXPORTER="otlp",
        )
        assert (facts["raised"], facts["uncounted"], facts["flushed"]) == ({}, {}, True)
        assert facts["calls"] > 100
        assert facts["accepted"] == facts["exported"] + sum(facts["lost"].values())
        assert facts["exported"] == len(collector.logs())
    lines = [line for line in facts["stdout"].splitlines() if not line.startswith("FACTS")]
    assert len(lines) == facts["calls"]
    assert all(type(json.loads(line, parse_constant=pytest.fail)) is dict for line in lines)
