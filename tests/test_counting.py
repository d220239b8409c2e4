"""The lock under which values grow: whoever adds to one of them takes it, and no fork leaves it locked."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Unfinished
from pathlib import Path

import pytest
from django_prometheus.middleware import Metrics
from prometheus_client import CollectorRegistry, Counter, Histogram, values

from django_observe import collectors, counting, metrics
from django_observe.records import Exchange

EXCHANGE = Exchange(correlation_id="o", method="GET", path="/", status=200, seconds=0.1)
TIMES = 500


def value(collector: Counter) -> float:
    found: float = collector._value.get()
    return found


def test_who_else_adds_to_a_value_waits_for_a_record_that_is_being_counted() -> None:
    metrics.report(EXCHANGE)
    requests = Metrics.get_instance().requests_total
    before = value(requests)
    with ThreadPoolExecutor(1) as others:
        with counting.lock:
            adding = others.submit(requests.inc)
            with pytest.raises(Unfinished):
                adding.result(0.1)
            metrics.report(EXCHANGE)
        adding.result(10)
    assert value(requests) == before + 2


def test_threads_that_count_and_others_that_add_lose_nothing() -> None:
    metrics.report(EXCHANGE)
    requests = Metrics.get_instance().requests_total
    before = value(requests)

    def add(number: int) -> None:
        for _ in range(TIMES):
            if number % 2:
                requests.inc()
            else:
                metrics.report(EXCHANGE)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(4)))
    assert value(requests) == before + 4 * TIMES


@pytest.mark.parametrize("holds", [False, True], ids=["the lock is free", "another thread holds it for long"])
def test_a_forked_child_counts(holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "FORK_SECONDS", 0.05)
    metrics.report(EXCHANGE)
    requests = Metrics.get_instance().requests_total
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with counting.lock:
            held.set()
            forked.wait(30)

    holder = threading.Thread(target=hold)
    if holds:
        holder.start()
        held.wait(30)
    before = requests._value._value
    child = os.fork()
    if not child:  # pragma: no cover - another process
        counter = threading.Thread(target=metrics.report, args=(EXCHANGE,), daemon=True)
        counter.start()
        counter.join(10)
        os._exit(int(counter.is_alive() or value(requests) != before + 1))
    status = os.waitpid(child, 0)[1]
    forked.set()
    if holds:
        holder.join()
    assert status == 0
    metrics.report(EXCHANGE)


def test_a_child_that_is_forked_while_its_own_thread_counts_goes_on() -> None:
    with counting.lock:
        child = os.fork()
        if not child:  # pragma: no cover - another process
            counting.lock.release()
            with ThreadPoolExecutor(1) as others:
                had = others.submit(counting.lock.acquire, timeout=10).result()
            os._exit(int(not had))
    assert os.waitpid(child, 0)[1] == 0


def test_values_that_processes_share_keep_the_lock_of_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MultiProcessValue())  # type: ignore[no-untyped-call]
    one, other = (Counter(name, "", registry=None) for name in ("one", "other"))
    monkeypatch.undo()
    own = Counter("own", "", registry=None)
    collectors.adder(one, other, own)(3)
    collectors.adder(one)(1)
    assert [value(one), value(other), value(own)] == [4, 3, 3]
    one._value._file.close()


def test_a_duration_falls_into_each_histograms_own_bucket() -> None:
    registry = CollectorRegistry()
    coarse, alike = (Histogram(name, "", registry=registry, buckets=(1, 10)) for name in ("coarse", "alike"))
    fine = Histogram("fine", "", registry=registry, buckets=(0.1, 0.5, 1))
    found = collectors.timers([coarse, fine, alike])
    assert len(found) == 2
    for timer in found:
        timer.time(0.3, None, 0)
    counted = {
        (sample.name, sample.labels["le"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if "le" in sample.labels
    }
    assert counted == {
        **{(f"{name}_bucket", le): 1 for name in ("coarse", "alike") for le in ("1.0", "10.0", "+Inf")},
        ("fine_bucket", "0.1"): 0,
        ("fine_bucket", "0.5"): 1,
        ("fine_bucket", "1.0"): 1,
        ("fine_bucket", "+Inf"): 1,
    }
