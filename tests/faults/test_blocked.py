"""No request ever waits for the exporter: it hangs from the start, and a thousand requests are answered."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn
from tests.faults.receivers import receiver
from tests.load import Answered, load
from tests.processes import get

REQUESTS, RATE = 1_000, 200
LIMIT = 1.0
BUSY = 6
"""Load average above which a slow answer is measured once more: it may have been the machine's."""

Record = Callable[[str, object], None]


@guarantee(
    "latency", "1,000 requests, spans and log records queued: no thread of theirs is seen in the exporter"
)
@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_no_request_waits_for_the_exporter(mode: str, record_property: Record) -> None:
    with (
        receiver(mode) as collector,
        gunicorn(collector, "--threads", "8", OTEL_LOGS_EXPORTER="otlp") as (_, address),
    ):
        assert get(f"{address}/watch/begin/").status == 200
        answered = asked(address)
        if slowest(answered) > LIMIT and os.getloadavg()[0] > BUSY:
            answered = asked(address)
        seen = get(f"{address}/watch/end/").json()
    assert [each.status for each in answered] == [200] * REQUESTS
    assert seen["requests"] == []
    assert seen["looks"] > 100
    assert "delivery._attempt" in seen["workers"], "it was not looked at while it was blocked"
    record_property("measured", f"slowest {slowest(answered) * 1_000:.0f} ms")
    assert slowest(answered) < LIMIT


def asked(address: str) -> list[Answered]:
    with load(address, "/busy/", rate=RATE, seconds=REQUESTS / RATE) as asking:
        return asking.answers()


def slowest(answered: list[Answered]) -> float:
    return max(each.seconds for each in answered)
