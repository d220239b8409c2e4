"""OpenTelemetry's own exporters, unchanged: both languages, encodings and compressions, all three signals."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.running import ROOT, Console, running
from tests.processes import missing, require

SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / "build" / "node-clients"
PYTHON = """
import logging, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

endpoint, encoding, compression = sys.argv[1:]
how = Compression(compression)
resource = Resource.create({"service.name": f"python-{encoding}-{compression}", "answer": 42})
spans, logs = TracerProvider(resource=resource), LoggerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", compression=how)))
lines = OTLPLogExporter(f"{endpoint}/v1/logs", compression=how)
logs.add_log_record_processor(BatchLogRecordProcessor(lines))
exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics", compression=how)
metrics = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(exporter)])
logger = logging.getLogger("shop.basket")
logger.addHandler(LoggingHandler(logger_provider=logs))
told = {"http.route": "/basket", "http.response.status_code": 500, "correlation_id": "python-1"}
told |= {"ratio": 0.5, "big": 2**53 - 1, "list": ["a", "\\u00fc"]}
tracer = spans.get_tracer("shop", "1.0")
with tracer.start_as_current_span("GET /basket", kind=SpanKind.SERVER, attributes=told) as root:
    try:
        with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes={"db.system.name": "x"}):
            raise TypeError("no such basket")
    except TypeError:
        logger.error("basket lost", extra={"correlation_id": "python-1"})
metrics.get_meter("shop").create_counter("baskets").add(1)
for one in (spans, logs, metrics):
    one.shutdown()
print(f"{root.get_span_context().trace_id:032x}")
"""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def node() -> list[str]:
    """How to run `send.mjs`, with the packages that the lock file names beside it."""
    program, npm = require("node", "nodejs"), require("npm", "npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    lock = "package-lock.json"
    kept = INSTALLED / "node_modules" / ".package-lock.json"
    fresh = kept.exists() and (INSTALLED / lock).read_bytes() == (SOURCES / lock).read_bytes()
    for name in ("package.json", lock, "send.mjs"):
        shutil.copy(SOURCES / name, INSTALLED / name)
    if not fresh:
        words = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(words, cwd=INSTALLED, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            missing(f"npm could not install OpenTelemetry for Node: {done.stderr[-300:]}")
    return [program, str(INSTALLED / "send.mjs")]


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_node_delivers(console: Console, node: list[str], encoding: str, compression: str) -> None:
    deliver(console, node, f"node-{encoding}-{compression}", encoding, compression)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_python_delivers(console: Console, compression: str) -> None:
    words = [sys.executable, "-W", "ignore", "-c", PYTHON]
    deliver(console, words, f"python-protobuf-{compression}", "protobuf", compression)


def deliver(console: Console, words: list[str], service: str, encoding: str, compression: str) -> None:
    before = console.json("/api/status")["accepted"].get("metric_requests", 0)
    argv = [*words, console.otlp, encoding, compression]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    trace = done.stdout.strip()
    spans = {one["name"]: one for one in console.spans(trace)}
    assert set(spans) == {"GET /basket", "SELECT"}
    root, query = spans["GET /basket"], spans["SELECT"]
    assert (query["parentSpanId"], root["kind"], query["kind"]) == (root["spanId"], 2, 3)
    assert query["events"][0]["name"] == "exception"
    assert query["status"]["code"] == 2
    values = {one["key"]: one["value"] for one in root["attributes"]}
    assert values["big"] == {"intValue": str(2**53 - 1)}
    assert values["ratio"] == {"doubleValue": 0.5}
    assert values["list"] == {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "ü"}]}}
    (line,) = console.json("/api/logs", trace_id=trace)["logs"]
    assert (line["service"], line["level"], line["message"]) == (service, "ERROR", "basket lost")
    assert line["span_id"] == root["spanId"]
    status = console.json("/api/status")
    assert status["accepted"]["metric_requests"] > before
    assert status["last_refusal"] is None
    assert re.search("metric batch(es)? taken, not shown", console.get("/traces").text)
