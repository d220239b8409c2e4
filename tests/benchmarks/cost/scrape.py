"""What a scrape costs where several processes share their metrics, beside prometheus_client's own collector.

Workers of 2,000 series each, eight living and any number that have ended; real files, written by real
processes. In a process of its own: `python -m tests.benchmarks.cost.scrape DIRECTORY` reads and answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from tests.tables import ROOT, grid

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

LIVING, SERIES = 8, 2_000
DEAD = (0, 20, 100)
RUNS = 5

_COUNTERS, _HISTOGRAMS = 560, 96
_BUCKETS = tuple(round(0.005 * 1.7**power, 6) for power in range(12))
"""With +Inf, the sum, and counters' one each: 560 + 96 x 15 = 2,000 series."""


class Scrape(NamedTuple):
    """CPU milliseconds of a scrape, text included, the shortest of several."""

    dead: int
    ours: float
    upstream: float


def measured() -> list[Scrape]:
    """By the number of dead workers: ours buried as by gunicorn's `child_exit`, upstream's marked dead."""
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="cost-") as ours,
        tempfile.TemporaryDirectory(prefix="cost-") as upstream,
    ):
        for folder in (ours, upstream):
            _python("live", folder, str(LIVING))
        died = 0
        for dead in DEAD:
            for folder, end in ((ours, "bury"), (upstream, "mark")):
                _python(end, folder, str(dead - died))
            died = dead
            found.append(Scrape(dead, float(_python("ours", ours)), float(_python("upstream", upstream))))
    return found


def table(found: list[Scrape]) -> str:
    """With the cost of 1,000 series of the page."""
    rows = [
        [
            str(each.dead),
            f"{each.ours:.1f} ms",
            f"{each.upstream:.1f} ms",
            f"{each.ours / each.upstream:.2f}",
            f"{each.ours / (LIVING * SERIES / 1_000):.2f} ms",
            f"{each.upstream / (LIVING * SERIES / 1_000):.2f} ms",
        ]
        for each in found
    ]
    head = [
        f"{LIVING} workers of {SERIES:,} series, and so many dead",
        "ours",
        "prometheus_client",
        "ratio",
        "ours, per 1,000 series read",
        "prometheus_client",
    ]
    return grid(head, rows)


def _python(*arguments: str) -> str:
    """This module in a process of its own."""
    argv = [sys.executable, "-m", "tests.benchmarks.cost.scrape", *arguments]
    variables = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": arguments[1],
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    return subprocess.run(argv, cwd=ROOT, env=variables, check=True, capture_output=True, text=True).stdout


def _workers(number: int) -> list[int]:
    """Has processes that count what a busy service does, one after the other; their pids."""
    from prometheus_client import Counter, Histogram

    requests = Counter("shop_requests", "Requests.", ["view", "status"])
    seconds = Histogram("shop_seconds", "Seconds.", ["view", "method"], buckets=_BUCKETS)
    pids = []
    for _ in range(number):
        pid = os.fork()
        if pid == 0:
            for each in range(_COUNTERS):
                requests.labels(f"shop.views.view_{each}", "200").inc(each)
            for each in range(_HISTOGRAMS):
                seconds.labels(f"shop.views.view_{each}", "GET").observe(0.01 * each)
            os._exit(0)
        os.waitpid(pid, 0)
        pids.append(pid)
    return pids


def _bury(number: int) -> None:
    from django_observe import multiprocess

    for pid in _workers(number):
        multiprocess.bury(pid)


def _mark(number: int) -> None:
    from prometheus_client import multiprocess

    for pid in _workers(number):
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _ours(folder: str) -> bytes:
    """As exposition.py does: family by family."""
    from prometheus_client import generate_latest

    from django_observe import multiprocess

    return b"".join(generate_latest(_Only(family)) for family in multiprocess.families(Path(folder)))


def _upstream(folder: str) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class _Only:
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> tuple[Metric]:
        return (self._family,)


def _shortest(run: Callable[[], bytes]) -> float:
    spent = []
    for _ in range(RUNS):
        started = process_time()
        page = run()
        spent.append(process_time() - started)
        if page.count(b"\n") < SERIES:
            raise RuntimeError(f"the page has {page.count(b'%c' % 10)} lines only")
    return min(spent) * 1_000


def main() -> None:
    """Of the process of its own."""
    step, folder, *rest = sys.argv[1:]
    if step == "live":
        _workers(int(rest[0]))
    elif step == "bury":
        _bury(int(rest[0]))
    elif step == "mark":
        _mark(int(rest[0]))
    else:
        import django

        django.setup()
        read = _ours if step == "ours" else _upstream
        sys.stdout.write(json.dumps(_shortest(lambda: read(folder))))


if __name__ == "__main__":
    main()
