"""One function per number; each starts a console of its own."""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.benchmarks.console import pages
from tests.benchmarks.console.spent import peak_megabytes, processor_seconds, resident_megabytes
from tests.console.running import ROOT, Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

SPAN_COUNT = 2000
CHUNK = 500


class Number(NamedTuple):
    """What was measured, its bound and how it came out; `kept` is whether the bound was."""

    what: str
    bound: str
    measured: str
    kept: bool


def listening(rounds: int) -> Number:
    """From the command to the first page, over several starts."""
    times, spent = [], 0.0
    for _ in range(rounds):
        began = time.monotonic()
        with running() as console:
            console.get("/services")
            times.append(time.monotonic() - began)
            spent += processor_seconds(console.process.pid) / rounds
    told = f"{statistics.median(times):.2f} s (worst of {rounds}: {max(times):.2f} s)"
    told += f", {spent:.2f} s of it the console's processor time"
    return Number("From the command to the first page", "1 s", told, statistics.median(times) < 1)


def first_span(rounds: int, chromium: Path) -> Number:
    """From the end of a span, sent every 500 ms by the official exporter, to its row in an open browser."""
    from playwright.sync_api import expect, sync_playwright

    times: list[float] = []
    with running() as console, sync_playwright() as playwright:
        provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        exporter = OTLPSpanExporter(f"{console.otlp}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{console.pages}/traces")
        for number in range(rounds):
            provider.get_tracer("bench").start_span(f"request {number}").end()
            began = time.monotonic()
            expect(page.locator("tbody tr", has_text=f"request {number}")).to_be_visible(timeout=10_000)
            times.append(time.monotonic() - began)
        browser.close()
        provider.shutdown()
    worst = f"{statistics.median(times):.2f} s (worst of {rounds}: {max(times):.2f} s)"
    return Number(
        "From a span's end to its row on the screen", "1.5 s", worst, statistics.median(times) < 1.5
    )


def large_trace(rounds: int) -> tuple[Number, Number]:
    """A trace of 2,000 spans and 200 log lines: how long the server takes, and how much it sends."""
    with running() as console:
        trace = trace_id()
        _store_large(console, trace)
        times, page = [], b""
        spent = processor_seconds(console.process.pid)
        for _ in range(rounds):
            began = time.monotonic()
            answer = console.get(f"/trace/{trace}", {"Accept-Encoding": "gzip"})
            times.append((time.monotonic() - began) * 1000)
            assert answer.status == 200
            page = answer.body
        spent = (processor_seconds(console.process.pid) - spent) / rounds * 1000
    took = f"{statistics.median(times):.0f} ms (worst of {rounds}: {max(times):.0f} ms)"
    took += f", {spent:.0f} ms of it the console's processor time"
    plain = len(gzip.decompress(page)) / 1000
    weight = f"{len(page) / 1000:.0f} KB ({plain:.0f} KB before compression)"
    return (
        Number(
            f"The page of a trace of {SPAN_COUNT:,} spans", "300 ms", took, statistics.median(times) < 300
        ),
        Number("The size of that page", "200 KB", weight, len(page) < 200_000),
    )


def _store_large(console: Console, trace: str) -> None:
    root = span_id()
    spans = [
        span(trace, root, "POST api/orders/", kind=2, attributes=attributes({"correlation_id": "large"}))
    ]
    start = int(spans[0]["startTimeUnixNano"])
    parents = [root]
    for number in range(1, SPAN_COUNT):
        own, begin = span_id(), start + number * 1_000_000
        told = attributes(
            {"db.system.name": "postgresql", "db.query.text": "SELECT 1 FROM orders", "row": number}
        )
        times = {"startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + 900_000)}
        kind, name = (3, f"SELECT orders {number % 90}") if number % 20 else (1, f"step {number // 20}")
        spans.append(
            span(trace, own, name, parents[-1 if number % 20 else 0], kind=kind, attributes=told, **times)
        )
        if number % 20 == 0:
            parents.append(own)
    spans[0]["endTimeUnixNano"] = str(start + SPAN_COUNT * 1_000_000)
    for first in range(0, SPAN_COUNT, CHUNK):
        console.send("/v1/traces", traces(f"svc-{first // CHUNK}", *spans[first : first + CHUNK]))
    lines = [
        log(f"line {number}", traceId=trace, spanId=parents[number % len(parents)]) for number in range(200)
    ]
    console.send("/v1/logs", logs("svc-0", *lines))


def idle_memory(database: Path | None = None) -> Number:
    """Resident memory once every page has been looked at, with nothing coming in."""
    with running(*(("--db", database) if database else ())) as console:
        for path in pages.once(console):
            assert console.get(path).status == 200, path
        resident = resident_megabytes(console.process.pid)
    what = "Resident memory when idle" + (", started again on that data" if database else ", with no data")
    return Number(what, "120 MB", f"{resident:.0f} MB", resident < 120)


class Load(NamedTuple):
    """What came of the minute of load."""

    numbers: list[Number]
    lost: int


def ingest(database: Path, rate: int, seconds: int, rest: float = 12) -> Load:
    """Two services at `rate` spans a second together, while the pages are looked at four times a second."""
    looked: list[float] = []
    with running("--db", database) as console:
        turns = pages.by_turns(console)
        with _senders(console, rate, seconds) as senders:
            while any(sender.poll() is None for sender in senders):
                looked.append(_look(console, next(turns)))
                time.sleep(0.25)
            told = [json.loads(sender.communicate()[0]) for sender in senders]
        sent = sum(one["sent"] for one in told)
        status = console.json("/api/status")
        lost = sent - int(status["accepted"]["spans"])
        missed = {name: count for name, count in status["dropped"].items() if name != "evicted_spans"}
        peak = peak_megabytes(console.process.pid)
        cores = processor_seconds(console.process.pid) / seconds
        time.sleep(rest)  # its pause for tidying is 5 s
        rested = resident_megabytes(console.process.pid)
    p95 = statistics.quantiles(looked, n=20)[-1]
    pace = sent / max(one["seconds"] for one in told)
    again = sum(one["again"] for one in told)
    taken = f"{sent:,} sent in {seconds} s ({pace:,.0f}/s), {lost} lost, {again} sent again"
    answered = f"{p95:.0f} ms (median {statistics.median(looked):.0f} ms, {len(looked)} looks)"
    numbers = [
        Number(f"{rate:,} spans/s for {seconds} s, committed", "none lost", taken, not lost and not missed),
        Number("Pages meanwhile, p95", "150 ms", answered, p95 < 150),
        Number("The console's own share meanwhile", "none", f"{cores:.2f} cores, {peak:.0f} MB", kept=True),
        Number(
            f"Resident memory when idle, {rest:.0f} s after that", "120 MB", f"{rested:.0f} MB", rested < 120
        ),
    ]
    return Load(numbers, lost)


@contextmanager
def _senders(console: Console, rate: int, seconds: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    words = [sys.executable, "-m", "tests.benchmarks.console.load", console.otlp]
    names = ("orders", "payments")
    argvs = [[*words, name, str(rate / len(names)), str(seconds)] for name in names]
    senders = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) for argv in argvs]
    try:
        yield senders
    finally:
        for sender in senders:
            sender.kill()
            sender.wait()


def _look(console: Console, path: str) -> float:
    began = time.monotonic()
    assert console.get(path, {"Accept-Encoding": "gzip"}).status == 200, path
    return (time.monotonic() - began) * 1000
