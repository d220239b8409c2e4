"""What a scrape makes of the value files of several processes, and how much work that is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import values
from prometheus_client.metrics import Counter, Gauge, Histogram, MetricWrapperBase, Summary
from prometheus_client.multiprocess import MultiProcessCollector

from django_observe import archive, multiprocess, reporting, valuefiles
from tests.calls import calls

VIEWS = 40
BEYOND_ALL_PIDS = 5_000_000
MODES: tuple[Any, ...] = (
    *("all", "min", "max", "sum", "mostrecent"),
    *("liveall", "livemin", "livemax", "livesum", "livemostrecent"),
)


def metrics() -> list[MetricWrapperBase]:
    labels: Any = {"registry": None, "labelnames": ["view", "method"]}
    return [
        Counter("orders", "Orders.", **labels),
        Histogram("latency", "Seconds.", **labels, buckets=(0.1, 1, 10)),
        Summary("size", "Bytes.", **labels),
        *(Gauge(f"level_{mode}", "A level.", **labels, multiprocess_mode=mode) for mode in MODES),
    ]


def count(metric: Any, amount: float) -> None:
    if isinstance(metric, Counter):
        metric.inc(amount)
    elif isinstance(metric, Gauge):
        metric.set(amount)
    else:
        metric.observe(amount)


def process(folder: Path, pid: int, views: int = VIEWS) -> None:
    """Leaves the files of a process that has counted, by prometheus_client's own means."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
        patch.setattr(values, "ValueClass", values.MultiProcessValue(lambda: pid))  # type: ignore[no-untyped-call]
        for metric in metrics():
            for number in range(views):
                view = (number * 7 + pid) % views  # each process meets them in an order of its own
                count(metric.labels(f"view-{view}", "GET"), 0.3 * pid + view)
        values.ValueClass.close_all_files()


def merged(families: Any) -> dict[str, tuple[str, str, dict[Any, float]]]:
    return {
        family.name: (
            family.type,
            family.documentation,
            {(each.name, frozenset(each.labels.items())): each.value for each in family.samples},
        )
        for family in families
    }


def test_the_files_are_merged_as_upstream_merges_them(tmp_path: Path) -> None:
    for pid in (11, 12, 13):
        process(tmp_path, pid)
    theirs = merged(MultiProcessCollector(None, str(tmp_path)).collect())  # type: ignore[no-untyped-call]
    assert len(theirs) == 3 + len(MODES)
    assert merged(valuefiles.families(tmp_path)) == theirs


def test_a_family_whose_help_differs_between_processes_has_each_sample_once(tmp_path: Path) -> None:
    process(tmp_path, 11, views=2)
    process(tmp_path, 12, views=2)
    file = tmp_path / "counter_12.db"
    file.write_bytes(file.read_bytes().replace(b"Orders.", b"ORDERS."))
    (orders,) = [family for family in valuefiles.families(tmp_path) if family.name == "orders"]
    assert {each.labels["view"]: each.value for each in orders.samples} == pytest.approx(
        {"view-0": 0.3 * 23, "view-1": 0.3 * 23 + 2}
    )
    assert len(orders.samples) == 2


@pytest.mark.parametrize(("age", "faults"), [(0, 0), (60, 1)])
def test_a_file_may_be_empty_only_while_it_is_made(tmp_path: Path, age: float, faults: int) -> None:
    path = tmp_path / "counter_11.db"
    path.touch()
    os.utime(path, times=(time.time() - age,) * 2)
    before = reporting.failures().get(valuefiles.PLACE, 0)
    assert list(valuefiles.read(path)) == []
    assert reporting.failures().get(valuefiles.PLACE, 0) == before + faults


def test_a_scrape_of_many_workers_does_less_than_upstreams(tmp_path: Path) -> None:
    for pid in range(11, 19):
        process(tmp_path, pid)
    for path in tmp_path.glob("gauge_*"):  # of these, both do the same
        path.unlink()
    theirs = MultiProcessCollector(None, str(tmp_path))  # type: ignore[no-untyped-call]
    valuefiles.families(tmp_path)
    ours = calls(lambda: valuefiles.families(tmp_path))
    assert ours < 0.6 * calls(theirs.collect)


def test_ended_workers_cost_a_scrape_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scrape that finds them dead moves them into the archive; from then on one is as good as fifty."""
    monkeypatch.setattr(multiprocess, "_own", {str(tmp_path): -1})
    monkeypatch.setenv(multiprocess.VARIABLE, str(tmp_path))
    living = {os.getpid(), os.getppid()}
    for pid in (*living, BEYOND_ALL_PIDS):
        process(tmp_path, pid, views=5)
    work = []
    for dead in (range(1), range(50)):
        for number in dead:
            process(tmp_path, BEYOND_ALL_PIDS + number, views=5)
        multiprocess.families(tmp_path)
        assert archive.pids(tmp_path) == living
        work.append(calls(lambda: multiprocess.families(tmp_path)))
    assert work[0] == work[1]
