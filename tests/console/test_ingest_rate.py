"""Five thousand spans a second, as two busy services would send them: all of them are stored."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AnyValue

from tests.console.running import running

SENDERS = 2
BATCH = 500
PERIOD = 0.2
BATCHES = 15  # 2 senders x 500 spans every 0.2 s, for 3 s
DEADLINE = 60


class Service(threading.Thread):
    """Makes requests of five spans each and exports them every 0.2 s by the official exporter."""

    def __init__(self, name: str, otlp: str) -> None:
        super().__init__(name=name, daemon=True)
        self.sent = 0
        self.failures: list[SpanExportResult] = []
        self._made = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(SimpleSpanProcessor(self._made))
        self._tracer = provider.get_tracer("load")
        self._exporter = OTLPSpanExporter(f"{otlp}/v1/traces", compression=Compression.Gzip)

    def run(self) -> None:
        began = time.monotonic()
        for number in range(BATCHES):
            for _ in range(BATCH // 5):
                self._request()
            result = self._exporter.export(self._made.get_finished_spans())
            self.sent += len(self._made.get_finished_spans())
            self._made.clear()
            if result is not SpanExportResult.SUCCESS:
                self.failures.append(result)
            time.sleep(max(began + (number + 1) * PERIOD - time.monotonic(), 0))
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _request(self) -> None:
        attributes: dict[str, AnyValue] = {"http.route": "api/orders/", "http.response.status_code": 201}
        with self._tracer.start_as_current_span("POST", kind=SpanKind.SERVER, attributes=attributes):
            for number in range(4):
                query: dict[str, AnyValue] = {"db.system": "sqlite", "db.name": "shop", "number": number}
                self._tracer.start_span("SELECT", kind=SpanKind.CLIENT, attributes=query).end()


def test_five_thousand_spans_a_second_are_stored_without_loss(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    with running("--db", file) as console:
        services = [Service(f"load-{number}", console.otlp) for number in range(SENDERS)]
        for service in services:
            service.start()
        for service in services:
            service.join(DEADLINE)
            assert not service.is_alive(), "the console did not keep up"
            assert service.failures == []
        sent = sum(service.sent for service in services)
        assert sent == SENDERS * BATCH * BATCHES
        status = console.json("/api/status")
        assert status["stored"]["spans"] == status["accepted"]["spans"] == sent
        assert status["dropped"] == {}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT sum(n) FROM red").fetchone() == (sent / 5,)
        assert connection.execute("SELECT dst, type, sum(n) FROM edge").fetchone() == (
            "sqlite shop",
            "db",
            sent / 5 * 4,
        )
