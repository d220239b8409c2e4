"""What an outage costs a process: memory, however large what it tells is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.collector import Collector, Mode
from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn
from tests.faults.receivers import receiver
from tests.processes import get, wait_until

LIMIT = 5.0
"""MB more than before the outage (docs/adr/0017-bounds-of-delivery.md)."""

ENVIRONMENT = {
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    "MALLOC_MMAP_THRESHOLD_": "131072",
}
"""The last: what the view itself makes and frees leaves the process at once, as glibc does at first."""

Record = Callable[[str, object], None]


@guarantee("ledger", "an outage costs a process 5 MB at most: {told}")
@pytest.mark.parametrize(
    ("told", "query", "bursts"),
    [
        ("usual spans and log records", "spans=500&logs=500", 8),
        ("texts of 10 MB in each", "spans=4&logs=4&size=10000000", 25),
        ("texts of 4 KB in each", "spans=500&logs=500&size=4000", 8),
    ],
    ids=["usual", "huge", "large"],
)
@pytest.mark.parametrize("mode", ["hang", "503"])
def test_memory_in_an_outage(mode: Mode, told: str, query: str, bursts: int, record_property: Record) -> None:
    with (
        receiver("ok") as collector,
        gunicorn(collector, **ENVIRONMENT) as (_, address),
    ):
        pid = int(get(f"{address}/").text)
        for _ in range(5):
            get(f"{address}/burst/?{query}")
            delivered(collector, address)
        before = resident(pid)
        collector.mode = mode
        for _ in range(bursts):
            get(f"{address}/burst/?{query}")
        wait_until(lambda: queued(address)["traces"] > 0, "queued spans")
        grown = resident(pid) - before
    record_property("measured", f"{grown:.1f} MB")
    assert grown < LIMIT


def delivered(collector: Collector, address: str) -> None:
    wait_until(lambda: not any(queued(address).values()), "empty queues")


def queued(address: str) -> dict[str, int]:
    page = get(f"{address}/metrics").text
    return {
        signal: int(float(line.split()[1]))
        for signal in ("traces", "logs")
        for line in page.splitlines()
        if line.startswith(f'observe_telemetry_queued{{signal="{signal}"')
    }


def resident(pid: int) -> float:
    """MB of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1_000
