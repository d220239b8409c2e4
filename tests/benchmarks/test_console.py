"""The console's benchmark runs, and finds what it says it finds."""

from __future__ import annotations

import gzip
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.benchmarks.console import load
from tests.benchmarks.console.__main__ import PAGE, table
from tests.benchmarks.console.measured import Number, ingest
from tests.faults.page import block_of


def test_a_batch_is_a_hundred_whole_requests() -> None:
    message = ExportTraceServiceRequest.FromString(gzip.decompress(load.encoded("shop")))
    spans = message.resource_spans[0].scope_spans[0].spans
    roots = {span.span_id: span.trace_id for span in spans if not span.parent_span_id}
    assert (len(spans), len(roots)) == (500, 100)
    assert all(roots[span.parent_span_id] == span.trace_id for span in spans if span.parent_span_id)


def test_a_short_load_is_told_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    told = ingest(tmp_path / "console.db", 2000, 2, rest=0)
    assert told.lost == 0
    assert told.numbers[0].measured.startswith("4,000 sent in 2 s")
    assert told.numbers[0].kept


def test_what_is_over_its_bound_stands_out() -> None:
    numbers = [Number("speed", "1 s", "0.4 s", kept=True), Number("size", "1 KB", "2 KB", kept=False)]
    assert table(numbers).splitlines()[-2:] == ["| speed | 1 s | 0.4 s |", "| size | 1 KB | **2 KB** |"]


def test_the_page_tells_a_whole_run() -> None:
    assert "| 5,000 spans/s for 60 s, committed | none lost |" in block_of(PAGE.read_text(), "numbers")
