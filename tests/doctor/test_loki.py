"""Lines that are not in Loki, by OTLP or by an agent."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from django_observe.doctor.finding import NOT_CONFIGURED, OK
from tests.doctor.examining import examined, states
from tests.doctor.faulttable import assert_found, plant
from tests.doctor.served import answer, recording, serving

pytestmark = pytest.mark.usefixtures("exporting")


NO_METADATA = plant(
    "structured metadata off in Loki",
    "Loki",
    "its limits_config says allow_structured_metadata: false, so it refuses each batch of ours",
    "limits_config:\n  allow_structured_metadata: true",
)
TENANTS = plant(
    "Loki with tenants, and none named",
    "Loki",
    "auth_enabled: true in its configuration; lines without the header are refused as well",
    "OTEL_EXPORTER_OTLP_LOGS_HEADERS=X-Scope-OrgID=TENANT",
)
NOT_IN_LOKI = plant(
    "lines go to another place than Loki",
    "Loki",
    "…/v1/logs took them: it is another store's, or a collector's that drops, delays or keeps them",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=…/otlp/v1/logs\n"
    "or, behind a collector, exporters: {otlphttp: {endpoint: …/otlp}}"
    "    # in a collector's pipeline of logs",
)
NO_AGENT = plant(
    "lines stay on stdout, and no agent takes them",
    "Loki",
    "OTEL_LOGS_EXPORTER is not otlp, and no agent brings what the service writes to stdout",
    "OTEL_LOGS_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_LOGS_ENDPOINT=…/otlp/v1/logs",
)


@pytest.mark.parametrize(
    ("recorded", "given", "fault"),
    [
        ("loki_without_metadata", {}, NO_METADATA),
        ("loki_with_tenants", {}, TENANTS),
        ("loki", {"correlation_id": "nothing-here"}, NOT_IN_LOKI),
    ],
)
def test_lines_that_are_not_in_loki(recorded: str, given: dict[str, Any], fault: str) -> None:
    with recording(recorded) as url:
        assert_found(examined("loki", url, **given), fault)


def test_lines_that_an_agent_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process writes to its stdout reaches no agent, so the service's lines have to do."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    with recording("loki") as url:
        assert states(examined("loki", url, correlation_id="nothing-here")) == [OK]

    def nothing(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, b'{"status": "success", "data": {"resultType": "streams", "result": []}}')

    with serving(nothing) as url:
        assert_found(examined("loki", url), NO_AGENT)
        assert states(examined("loki", url, found=True)) == [NOT_CONFIGURED]


NO_AGENT_NOR_METADATA = plant(
    "lines stay on stdout, and Loki takes no structured metadata",
    "Loki",
    "OTEL_LOGS_EXPORTER is not otlp, and no agent brings what the service writes to stdout, or it adds "
    "structured metadata, which is refused there, as OTLP is",
    "OTEL_LOGS_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_LOGS_ENDPOINT=…/otlp/v1/logs\n"
    "limits_config:\n  allow_structured_metadata: true    # in Loki's configuration",
)


def test_an_agents_lines_need_no_structured_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are JSON: Loki refuses them without it only where the agent adds some."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    with recording("loki_without_metadata") as url:
        assert_found(examined("loki", url), NO_AGENT_NOR_METADATA)
    stream = {"stream": {"service_name": "shop"}, "values": [["1", '{"message": "hello"}']]}
    lines = json.dumps({"data": {"resultType": "streams", "result": [stream]}}).encode()
    nothing = json.dumps({"data": {"resultType": "streams", "result": []}}).encode()

    def answering(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/config":
            answer(handler, b"limits_config:\n  volume_enabled: true\n", "text/plain")
        else:
            answer(handler, lines if "query=%7Bservice_name%3D%22shop%22%7D&" in handler.path else nothing)

    with serving(answering) as url:
        assert states(examined("loki", url)) == [OK]
