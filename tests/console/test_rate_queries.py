"""What is added up for the screens, against a plain recount of the stored spans."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from django_observe.console import histogram, rate_queries, window
from django_observe.console.timerange import EVERYTHING, TimeRange
from tests.console.bench import Bench
from tests.console.running import span_id, trace_id
from tests.console.telemetry import at, span, traces
from tests.console.test_rates import random_spans

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
SECOND = 10**9


@pytest.mark.parametrize("seed", range(3))
def test_sums_and_slots_are_those_of_a_plain_recount(bench: Bench, seed: int) -> None:
    for service, one in random_spans(random.Random(seed)):
        bench.send(traces(service, one))
    spans = bench.rows("SELECT * FROM span WHERE kind IN (2, 5)")
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        served = rate_queries.requests(connection, shown)
        assert {name: rates.total.n for name, rates in served.services.items()} == Counter(
            row["service"] for row in spans
        )
        for name, rates in served.services.items():
            own = [row for row in spans if row["service"] == name]
            assert sum(rates.slots) == len(own)
            assert rates.total.errors == sum(row["status"] == 2 for row in own)
            assert rates.tasks.n == sum(row["kind"] == CONSUMER for row in own)
            found = rate_queries.operations(connection, shown, name)
            assert {key: one.n for key, one in found.each.items()} == Counter(
                (name, row["name"], row["kind"]) for row in own
            )
            assert [slot.n for slot in found.slots] == rates.slots
            counts = Counter(histogram.bucket_of(row["dur_ns"]) for row in own)
            assert found.total.quantile(0.95) == int(
                histogram.quantile(counts, 0.95, sum(row["dur_ns"] for row in own))
            )


def test_the_window_is_the_part_of_the_range_that_has_data(bench: Bench) -> None:
    now = time.time_ns()
    with bench.store.reading() as connection:
        nothing = window.of(connection, EVERYTHING)
        assert (nothing.seconds >= 10, len(nothing.starts)) == (True, 2 if nothing.seconds > 10 else 1)
    for age in (2000, 1000):
        bench.send(traces("s", span(trace_id(), span_id(), kind=SERVER, **at(now - age * SECOND))))
    with bench.store.reading() as connection:
        kept = window.of(connection, EVERYTHING)
        assert kept.seconds in (1000, 1010, 1020)
        assert len(kept.starts) <= 60
        assert kept.step % 10 == 0
        hour = window.of(connection, TimeRange(now - 3600 * SECOND, None))
        assert 1995 <= hour.seconds <= 2015
        part = window.of(connection, TimeRange(now - 1500 * SECOND, now - 900 * SECOND))
        assert (600 <= part.seconds <= 620, len(part.starts) <= 60) == (True, True)
        assert rate_queries.requests(connection, part).services["s"].total.n == 1
        before = window.of(connection, TimeRange(None, now - 80_000 * SECOND))
        assert before.seconds >= 10
        assert not rate_queries.requests(connection, before).services


def test_the_slot_that_is_not_over_counts_for_the_time_that_has_passed() -> None:
    shown = window.Window(1000, 1035, 10)
    assert [shown.slot_seconds(number) for number in range(4)] == [10, 10, 10, 5]
    assert [shown.slot(bucket) for bucket in (1000, 1010, 1030)] == [0, 1, 3]


def test_of_too_much_the_newest_is_added_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() // SECOND // 10 * 10
    rows = [(now - age, "s", "o", 2, 1, 0, 1, b"") for age in range(0, 1000, 10)]
    bench.store.connection.executemany("INSERT INTO red VALUES(?,?,?,?,?,?,?,?)", rows)
    monkeypatch.setattr(window, "_MOST", 30)
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        assert shown.cut
        assert shown.since == now - 280
        assert rate_queries.requests(connection, shown).services["s"].total.n == 29
