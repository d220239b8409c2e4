"""Metrics of workers that come and go, and of files that somebody damages: totals stay."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from django_observe import archive, valuefiles
from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn
from tests.faults.receivers import receiver
from tests.processes import Process, get, wait_until

WORKERS, REQUESTS_EACH, REQUESTS = 4, 2, 400
RECYCLES = REQUESTS // REQUESTS_EACH
KINDS = 8
"""Files of one process at most: one of each kind of value, and its exemplars."""

TOTAL = "django_http_requests_total_by_view_transport_method_total"


class Shop:
    """A gunicorn under load, its shared directory, and what it says of itself."""

    def __init__(self, process: Process, url: str, base: Path) -> None:
        self.process, self.url = process, url
        (self.directory,) = base.iterdir()

    def serve(self, times: int) -> None:
        """Each request on a connection of its own, by several clients; each is answered."""
        with ThreadPoolExecutor(WORKERS) as clients:
            answers = clients.map(lambda _: get(f"{self.url}/").status, range(times))
            assert set(answers) == {200}

    def samples(self, name: str) -> dict[str, float]:
        """Those of that name on the page, by their labels."""
        answer = get(f"{self.url}/metrics")
        assert answer.status == 200
        found = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", answer.text, re.MULTILINE)
        return {labels: float(value) for labels, value in found}

    def total(self) -> float:
        return sum(self.samples(TOTAL).values())

    def damaged(self) -> float:
        """How often a file could not be read to its end."""
        return self.samples("observe_internal_failures_total").get(f'place="{valuefiles.PLACE}"', 0)

    def booted(self) -> int:
        return (self.process.stdout + self.process.stderr).count("Booting worker")


@contextmanager
def shop(folder: Path, *arguments: str) -> Iterator[Shop]:
    base = folder / "metrics"
    base.mkdir()
    with (
        receiver("ok") as collector,
        gunicorn(
            collector, "--workers", str(WORKERS), "--preload", *arguments, OBSERVE_METRICS_DIR=str(base)
        ) as (process, url),
    ):
        yield Shop(process, url, base)


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Has `look` called again and again meanwhile; what it raises, this raises."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            look()

    with ThreadPoolExecutor(1) as watcher:
        watching = watcher.submit(watch)
        try:
            yield
        finally:
            done.set()
        watching.result()


@pytest.mark.timeout(600)
@guarantee(
    "multiprocess",
    f"{RECYCLES} workers come and go under load: counters equal the requests served and never go back, files "
    "are those of living workers",
)
def test_workers_come_and_go(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    with shop(tmp_path, "--max-requests", str(REQUESTS_EACH)) as served:
        totals: list[float] = [0.0]
        pids: list[int] = []

        def look() -> None:
            pids.append(len(archive.pids(served.directory)))
            totals.append(served.total())

        with looking(look):
            served.serve(REQUESTS)
        wait_until(lambda: served.total() == REQUESTS, "all requests to be counted")
        assert totals == sorted(totals)
        assert max(pids) <= 2 * WORKERS, "each may be followed before it is buried"
        assert served.booted() - WORKERS >= RECYCLES
        wait_until(lambda: all(map(is_alive, archive.pids(served.directory))), "the dead to be buried")
        files = list(served.directory.iterdir())
        assert len(files) <= (WORKERS + 1) * KINDS + 1
        record_property("measured", f"{served.booted() - WORKERS} workers, {len(files)} files")


def is_alive(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One whose workers stay."""
    with shop(tmp_path_factory.mktemp("still")) as served:
        served.serve(40)
        wait_until(lambda: served.total() == 40, "all requests to be counted")
        yield served


@guarantee("multiprocess", "A file goes in the middle of a scrape: the totals of all others stay")
def test_a_file_goes_in_mid_scrape(still: Shop) -> None:
    file = still.directory / f"counter_{os.getpid()}.db"  # of the living: nobody buries it
    before = still.total()
    comings = 0

    def come_and_go() -> None:
        nonlocal comings
        for _ in range(100):
            values = MmapedDict(str(file))  # type: ignore[no-untyped-call]
            values.write_value(mmap_key("made_up_total", "made_up_total", [], [], ""), 1.0, 0.0)  # type: ignore[no-untyped-call]
            values.close()  # type: ignore[no-untyped-call]
            file.unlink()
            comings += 1

    totals = []
    with looking(come_and_go):
        while comings < 500:
            totals.append(still.total())
    assert len(totals) > 10
    assert set(totals) == {before}


@guarantee(
    "multiprocess", "A file of a living worker is cut off within its values: what is lost is that part"
)
def test_a_file_is_cut_off(still: Shop) -> None:
    before = still.samples(TOTAL)
    damaged = still.damaged()
    file = max(still.directory.glob("counter_*.db"), key=of_requests)
    entries = [key for key, _ in valuefiles.read(file)]
    place = next(number for number, key in enumerate(entries) if valuefiles.key(key)[1] == TOTAL)
    cut = sum(entry_size(key) for key in entries[:place]) + 8 + entry_size(entries[place]) - 5
    lost = of_requests(file)
    assert lost > 0
    with stopped(int(file.stem.rpartition("_")[2])):
        os.truncate(file, cut)
        after = still.samples(TOTAL)
        assert sum(after.values()) == sum(before.values()) - lost
        wait_until(lambda: still.damaged() > damaged, "the fault to be counted")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A worker that lives, but does nothing more: it would die of SIGBUS, writing where its file was."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the worker to be gone")


def of_requests(file: Path) -> float:
    """The requests that one file counts."""
    return sum(value for key, (value, _) in valuefiles.read(file) if valuefiles.key(key)[1] == TOTAL)


def entry_size(key: str) -> int:
    """Of an entry: its length, the key padded to eight bytes, two doubles."""
    length = len(key.encode())
    return 4 + length + 8 - (length + 4) % 8 + 16
