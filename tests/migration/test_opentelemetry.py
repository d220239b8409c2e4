"""OpenTelemetry by hand, or by its command, beside us: each span and each log record once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from django_observe import instrumentation
from django_observe.kitchecks import INSTRUMENTORS
from tests.collector import Collector
from tests.migration.conftest import ROOT, Serve
from tests.migration.service import names, parsed

ONE_OF_EACH = {"GET orders/<int:number>/": 1, "SELECT": 1, "GET": 1, "run/shop.bill": 1}


@pytest.mark.parametrize("kit", ["opentelemetry", "instrument"])
def test_a_request_leaves_each_span_once(serve: Serve, kit: str) -> None:
    service = serve(kit)
    answer = service.get("/orders/7/")
    identifier = answer.headers["X-Correlation-ID"]
    spans = service.spans(identifier, len(ONE_OF_EACH))
    assert names(spans) == ONE_OF_EACH
    [server] = [span for span in spans if not span.parent_id]
    assert {span.parent_id for span in spans if span is not server} == {server.span_id}
    assert server.attributes["correlation_id"] == identifier


def test_a_project_that_names_its_endpoint_in_code_has_its_traces_ids_on_our_lines(
    serve: Serve, collector: Collector
) -> None:
    """Our own tracing is off then: nothing says where to."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "EXPORT_TO": f"{collector.url}/v1/traces"}
    service = serve("opentelemetry", **variables)
    answer, lines = service.said("/orders/7/")
    identifier = answer.headers["X-Correlation-ID"]
    spans = service.spans(identifier, len(ONE_OF_EACH))
    assert names(spans) == ONE_OF_EACH
    [server] = [span for span in spans if not span.parent_id]
    [request] = [line for line in parsed(lines) if line.get("event") == "request"]
    assert (request["trace_id"], request["span_id"]) == (identifier, server.span_id)
    assert {line["trace_id"] for line in parsed(lines)} == {identifier}


def test_a_stranger_whose_trace_is_gone_on_with_chooses_no_id(serve: Serve) -> None:
    """That the middleware of OpenTelemetry goes on with it, check W008 says."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    service = serve("opentelemetry", TRUSTED_PEERS="10.1.0.0/16")
    answer = service.get("/orders/7/", traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    identifier = answer.headers["X-Correlation-ID"]
    assert identifier != trace_id
    spans = service.spans(trace_id, len(ONE_OF_EACH))
    assert names(spans) == ONE_OF_EACH
    assert {span.attributes["correlation_id"] for span in spans} == {identifier}


def test_a_line_is_exported_once(serve: Serve) -> None:
    """By OpenTelemetry's handler what root hears, by ours our own lines, which root does not."""
    service = serve("instrument")
    identifier = service.get("/orders/8/").headers["X-Correlation-ID"]

    def bodies() -> Counter[str]:
        records = [each for each in service.collector.logs() if each.raw.trace_id.hex() == identifier]
        return Counter(each.body.partition(" 200 ")[0].partition(" SUCCESS")[0] for each in records)

    wanted = {"order 8", "bill 8", "shop.bill", "GET /orders/8/"}
    service.collector.wait_for(lambda: wanted <= bodies().keys(), "log records")
    service.get("/orders/9/")
    service.collector.wait_for(lambda: any(each.body == "order 9" for each in service.collector.logs()))
    assert {body: count for body, count in bodies().items() if body in wanted} == dict.fromkeys(wanted, 1)


@pytest.mark.parametrize(
    ("kit", "by_hand"),
    [
        ("opentelemetry", ["TracerProvider, CeleryInstrumentor, RequestsInstrumentor, SQLite3Instrumentor."]),
        ("instrument", []),
    ],
)
def test_a_check_says_what_can_be_removed(serve: Serve, kit: str, by_hand: list[str]) -> None:
    found = serve(kit).checks()
    assert "opentelemetry-instrument" in found.pop("django_observe.W008")
    assert "LoggingInstrumentor" in found.pop("django_observe.W014")
    assert [text.partition(": ")[2].partition(" Remove")[0] for text in found.values()] == by_hand
    assert set(found) <= {"django_observe.W017"}


PROVIDER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""
EXPORTING = f"""{PROVIDER}
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
"""
WITH_OTLP = "trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))\n"
WITH_A_VENDORS_EXPORTER = """
class VendorsExporter(OTLPSpanExporter): ...
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(VendorsExporter()))
"""
WITH_A_VENDORS_PROCESSOR = """
class VendorsProcessor(BatchSpanProcessor): ...
trace.get_tracer_provider().add_span_processor(VendorsProcessor(OTLPSpanExporter()))
"""
IMPORTED = "".join(
    f"from opentelemetry.instrumentation.{library} import {name}\n" for library, name in INSTRUMENTORS.items()
)
CALLED = f"{IMPORTED}{'().instrument();'.join(INSTRUMENTORS.values())}().instrument()\n"
STAYS = """
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
GrpcInstrumentorClient().instrument()
"""
CHECK = """
import django, celery, requests
django.setup()
from django.core.checks import run_checks
print([found.msg.partition(": ")[2].rstrip(".") for found in run_checks()])
"""


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"], ids=["without endpoint", "with endpoint"])
@pytest.mark.parametrize(
    ("code", "named"),
    [
        (PROVIDER, ["TracerProvider"]),
        (CALLED, INSTRUMENTORS.values()),
        (PROVIDER + CALLED, ["TracerProvider", *INSTRUMENTORS.values()]),
        (IMPORTED, []),
        (STAYS, []),
        (EXPORTING + WITH_OTLP, ["TracerProvider"]),
        (EXPORTING + WITH_OTLP + WITH_A_VENDORS_EXPORTER + CALLED, []),
        (EXPORTING + WITH_OTLP + WITH_A_VENDORS_PROCESSOR + CALLED, []),
    ],
    ids=[
        *("a provider", "instrumentors", "both", "only imported", "one that stays"),
        *("its exporter", "a vendor's exporter", "a vendor's processor"),
    ],
)
def test_what_is_set_up_by_hand_is_named(endpoint: str, code: str, named: list[str]) -> None:
    """Without DjangoInstrumentor; and not what our own tracing switched on."""
    told = printed(code + CHECK, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=endpoint)
    assert told == f"{[', '.join(named)] if named else []}\n"


def test_the_check_sets_no_provider() -> None:
    """As the API does it for whoever asks for the one that is set."""
    code = "import opentelemetry.sdk.trace\nfrom opentelemetry import trace\n"
    told = printed(
        f"{code}{CHECK}print(trace._TRACER_PROVIDER)", OTEL_PYTHON_TRACER_PROVIDER="sdk_tracer_provider"
    )
    assert told == "[]\nNone\n"


def printed(script: str, **variables: str) -> str:
    """What it prints, and nothing on stderr."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_page_lists_what_is_named() -> None:
    page = (ROOT / "docs/how-to/move-from-opentelemetry.md").read_text()
    removed = page.partition("| Remove |")[2].partition("\n\n")[0]
    assert [name for name in INSTRUMENTORS.values() if f"`{name}`" not in removed] == []
    assert instrumentation.NAMES.items() <= INSTRUMENTORS.items()
