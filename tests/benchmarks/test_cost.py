"""What the benchmark of cost measures is what it says: the same work, and all of the telemetry of each."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from random import Random

import pytest

from django_observe import backlog, exemplars, loghandler, mirrors
from tests.benchmarks.cost import report, scrape, seconds, serve
from tests.benchmarks.cost.__main__ import PAGE
from tests.benchmarks.cost.callers import headers
from tests.benchmarks.cost.configurations import CONFIGURATIONS
from tests.benchmarks.cost.measured import Measured, VoidError
from tests.benchmarks.cost.table import ratio, table
from tests.benchmarks.cost.times import interval
from tests.benchmarks.test_gates import GATES
from tests.tables import grid

VIEWS = ["json", "orm", "outbound", "stream", "async", "task"]


@pytest.mark.parametrize("name", ["bare", "hand", "ours", "ours-nologs", "ours-tenth", "hand-tenth"])
def test_each_request_and_task_leaves_its_spans_and_lines(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Measured(name, VIEWS, [], {"BENCH_OUT": str(out)}) as process:
        for view in VIEWS:
            printed = len(out.read_text().splitlines())
            process.prepare()
            process.run(view, 10)  # a VoidError, where not all of its spans arrive
            lines = [json.loads(line) for line in out.read_text().splitlines()[printed:]]
            assert len(lines) == (0 if name in ("bare", "ours-nologs") else 10), lines
            assert all(len(line["correlation_id"]) == 32 for line in lines)
            assert len({line["correlation_id"] for line in lines}) == len(lines)


def test_what_does_not_arrive_is_noticed() -> None:
    variables = {"OTEL_TRACES_SAMPLER": "always_off"}
    expected = pytest.raises(VoidError, match="0 spans have arrived, not 10")
    with Measured("ours", ["json"], [], variables) as process, expected:
        process.prepare()
        process.run("json", 10)


def test_a_process_that_dies_at_its_start_is_told() -> None:
    dies = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with pytest.raises(VoidError, match="no such thing"), Measured("bare", ["json"], dies, {}):
        pytest.fail("it has not started")


def test_what_was_not_measured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "missing", lambda: "wrk is not installed")
    monkeypatch.setattr(scrape, "table", str)
    page = report.told({"scrape": ""}, "valgrind is not installed")
    assert "**No instructions: valgrind is not installed.**" in page
    assert "**Neither gunicorn's rate nor memory: wrk is not installed.**" in page


def test_no_two_requests_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH", "ours")
    asked = [headers(number) for number in range(1, 500)]
    assert (
        len({each["X-Correlation-ID"] for each in asked})
        == len({each["traceparent"] for each in asked})
        == 499
    )


@pytest.fixture
def _intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {each.__name__: each for each in (exemplars, loghandler, mirrors)}
    for name, variable in seconds.INTERVALS.items():
        monkeypatch.setattr(modules[name], variable, 1.0)  # raises where there is none


@pytest.mark.usefixtures("_intervals")
def test_what_is_done_each_second_is_done_once_in_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    store = exemplars.Memory()
    monkeypatch.setattr(exemplars, "_store", lambda: store)
    series = exemplars.Series("told", {}, (1.0,))
    kept = []
    for now in (0.1, 0.2):
        with seconds.beginning():
            series.offer(0, now, "a" * 32, now)
        series.offer(0, 0.5, "b" * 32, now + 60)
        kept += [mark.value for mark in store.marks.values()]
    assert kept == [0.1, 0.2]


@pytest.mark.usefixtures("_intervals")
def test_stdout_is_looked_at_once_in_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    monkeypatch.setattr(backlog, "pipe_of", looks.append)
    output = loghandler.Output(StringIO())
    found = []
    for _ in range(3):
        with seconds.beginning():
            output.write("the first request's")
        output.write("the second's")
        found.append(len(looks))
    assert found == [1, 2, 3]


def test_a_share_is_of_what_the_hand_assembly_adds() -> None:
    counts = {
        "bare": {"json": 1_000.0},
        "hand": {"json": 3_000.0},
        "ours": {"json": 1_500.0},
    }
    assert ratio(counts, "ours", "json") == 0.25
    assert "**0.25**" in table(counts)


def test_the_page_tells_the_limits() -> None:
    views = list(dict.fromkeys(gate.view for gate in GATES))
    limits = {(gate.configuration, gate.view): f"{gate.limit:.2f}" for gate in GATES}
    rows = [
        [CONFIGURATIONS[name].shown, *(limits.get((name, view), "") for view in views)]
        for name in dict.fromkeys(gate.configuration for gate in GATES)
    ]
    assert grid(["", *views], rows) in PAGE.read_text()


def test_an_interval_holds_the_median() -> None:
    random = Random(4)
    found = interval([random.gauss(100, 5) for _ in range(40)], random)
    assert found.low < found.value < found.high
    assert found.low > 95
    assert found.high < 105
