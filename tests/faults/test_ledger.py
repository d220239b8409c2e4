"""Every record is exported, dropped for a reason, or still queued.

A burst of 50,000 spans and as many log records through two worker processes, for each mode of the receiver.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic

import pytest

from django_observe.notice import NOTICE_SECONDS
from tests.collector import Collector
from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn
from tests.faults.receivers import MODES, receiver
from tests.processes import Process, get, wait_until

RECORDS = 50_000
REQUESTS = 20
"""That make them, on two workers. Each has a span and a line of its own."""

BATCH = 512
"""By so many records a page may be off that is read while they move from one column to the other."""

SIGNALS = ("traces", "logs")
EXPORTED = {"ok", "slow", "partial", "garbage", "flood"}
"""Modes in which the receiver takes something in the end."""

REASONS = {
    "302": {"queue_full", "refused"},
    "400": {"queue_full", "refused"},
    "partial": {"queue_full", "rejected"},
}
"""Why records may be lost before the processes end; in the other modes for want of room only."""

_LINE = re.compile(
    r"django_observe: \w+: (none lost|\d+ of \d+ records lost \(\w+ \d+(, \w+ \d+)*\)), \d+ queued"
    r"(; export fails: .*)?"
)
_SAMPLE = re.compile(r"observe_telemetry_(\w+?)(?:_total)?\{([^}]*)\} (\S+)")
Record = Callable[[str, object], None]


@dataclass
class Books:
    """Of one signal, summed over the processes, as /metrics tells them."""

    accepted: int = 0
    exported: int = 0
    queued: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def imbalance(self) -> int:
        return abs(self.accepted - self.exported - self.queued - self.dropped.total())


@dataclass
class Burst:
    """What a burst left behind: the books while it went on and at rest, stderr, and what arrived."""

    during: list[dict[str, Books]]
    rest: dict[str, Books]
    stderr: str
    arrived: dict[str, int]
    seconds: float


def books(address: str) -> dict[str, Books]:
    found = {signal: Books() for signal in (*SIGNALS, "stdout")}
    for name, labels, value in _SAMPLE.findall(get(f"{address}/metrics").text):
        told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        one = found[told["signal"]]
        if name == "dropped" and float(value):
            one.dropped[told["reason"]] += int(float(value))
        elif name in ("accepted", "exported", "queued"):
            setattr(one, name, getattr(one, name) + int(float(value)))
    return found


def balanced(address: str) -> dict[str, Books]:
    """The books, read again up to three times: the processes write their numbers one after the other."""
    for _ in range(3):
        read = books(address)
        if not any(each.imbalance for each in read.values()):
            break
    return read


@pytest.fixture(scope="module")
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def burst(mode: str) -> Iterator[Burst]:
    quick = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1", "FAULTS_SETTINGS": '{"FLUSH_TIMEOUT": 0.5}'}
    with (
        receiver(mode, delay=0.1) as collector,
        gunicorn(collector, "-w", "2", "--threads", "4", OTEL_LOGS_EXPORTER="otlp", **quick) as (
            process,
            address,
        ),
    ):
        yield measured(mode, collector, process, address)


def measured(mode: str, collector: Collector, process: Process, address: str) -> Burst:
    during: list[dict[str, Books]] = []
    over = Event()

    def look() -> None:
        while not over.wait(0.2):
            during.append(balanced(address))

    started = monotonic()
    looking = Thread(target=look)
    looking.start()
    each = RECORDS // REQUESTS
    with ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(get, f"{address}/burst/?spans={each}&logs={each}", timeout=60)
            for _ in range(REQUESTS)
        ]
    over.set()
    looking.join()
    assert [answer.result().status for answer in sent] == [200] * REQUESTS
    rest = wait_until(lambda: at_rest(address, mode), "50,000 in balanced books", 20)
    assert rest is not None
    losing = [signal for signal in SIGNALS if rest[signal].dropped and mode not in EXPORTED]
    process.wait_for(
        lambda: all(f"django_observe: {signal}: " in process.stderr for signal in losing),
        "a line for each signal that loses",
        20,
    )
    arrived = {"traces": len(collector.spans()), "logs": len(collector.logs())}
    return Burst(during, rest, process.stderr, arrived, monotonic() - started)


def at_rest(address: str, mode: str) -> dict[str, Books] | None:
    """The books, once all is in them, and nothing waits that could be delivered."""
    read = books(address)
    told = [read[signal] for signal in SIGNALS]
    whole = all(each.accepted == RECORDS + REQUESTS for each in told)
    waits = any(each.queued for each in told)
    return read if whole and not (waits and mode in {*EXPORTED, *REASONS}) else None


@guarantee(
    "ledger", "accepted == exported + dropped + queued for {signal}, in a burst of 50,000 and after it"
)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("mode", MODES, indirect=True, scope="module")
def test_the_books_balance(burst: Burst, mode: str, signal: str, record_property: Record) -> None:
    assert [each[signal] for each in burst.during if each[signal].imbalance > BATCH] == []
    assert len(burst.during) > 1
    accepted = [each[signal].accepted for each in burst.during]
    assert accepted == sorted(accepted)
    told = burst.rest[signal]
    assert not told.imbalance, told
    assert told.accepted == RECORDS + REQUESTS
    assert set(told.dropped) <= REASONS.get(mode, {"queue_full"})
    assert (told.exported > 0) == (mode in EXPORTED)
    rejected = told.dropped["rejected"]
    assert (rejected > 0) == (mode == "partial")
    assert ("refused" in told.dropped) == (mode in {"302", "400"})
    if mode in EXPORTED:
        assert burst.arrived[signal] == told.exported + rejected
    record_property(
        "measured", f"{told.accepted:,} = {told.exported:,} + {told.dropped.total():,} + {told.queued:,}"
    )


@guarantee("ledger", "what a burst loses is told in one line for each signal and process")
@pytest.mark.parametrize("mode", MODES, indirect=True, scope="module")
def test_losses_are_told_seldom(burst: Burst, mode: str, record_property: Record) -> None:
    """Within half a minute of its first line a process says nothing more of a signal."""
    told = [line for line in burst.stderr.splitlines() if line.startswith("django_observe: ")]
    lost = sum(burst.rest[signal].dropped.total() for signal in SIGNALS)
    for signal in SIGNALS:
        own = [line for line in told if line.startswith(f"django_observe: {signal}: ")]
        assert len(own) <= 2 * (1 + burst.seconds // NOTICE_SECONDS), own
        assert own or mode in EXPORTED or not burst.rest[signal].dropped
    assert [line for line in told if not _LINE.fullmatch(line)] == []
    record_property("measured", f"{len(told)} lines, {lost:,} lost")
