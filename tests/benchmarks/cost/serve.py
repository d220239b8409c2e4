"""The project under gunicorn, called by wrk: requests a second beside bare, and a worker's memory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from demo_services.ports import free_port
from tests.benchmarks.cost.configurations import CONFIGURATIONS, environment
from tests.collector import Collector
from tests.processes import Process, wait_until
from tests.tables import ROOT, grid

COMPARED = ("bare", "hand", "ours", "ours-notraces")
_SCRIPT = Path(__file__).with_name("varied.lua")


class Served(NamedTuple):
    """One round of one configuration."""

    rate: float
    """Requests a second."""
    cpu: float
    """Of the workers, seconds per request."""


def missing() -> str:
    """Why nothing can be served, or nothing."""
    return "" if shutil.which("wrk") else "wrk is not installed (apt package wrk)"


def rates(rounds: int, seconds: int, random: Random) -> dict[str, list[Served]]:
    """Rounds in which each configuration is served once, in random order."""
    found: dict[str, list[Served]] = {name: [] for name in COMPARED}
    for _ in range(rounds):
        for name in random.sample(COMPARED, len(COMPARED)):
            with gunicorn(name, workers=2) as (url, workers):
                called(url, 1)
                before = sum(map(_cpu_seconds, workers))
                requests, rate = called(url, seconds)
                found[name].append(Served(rate, (sum(map(_cpu_seconds, workers)) - before) / requests))
    return found


@contextmanager
def gunicorn(name: str, workers: int) -> Iterator[tuple[str, list[int]]]:
    """Serves that configuration; its URL and the workers' pids. Ours as our documentation says."""
    url = f"127.0.0.1:{free_port()}"
    ours = CONFIGURATIONS[name].assembly == "ours"
    config = ["-c", "python:django_observe.gunicorn"] if ours else []
    argv = [sys.executable, "-m", "gunicorn", *config, "-w", str(workers), "-b", url]
    with Collector() as collector:
        variables = environment(name, collector.url)
        with Process([*argv, "tests.benchmarks.cost.wsgi"], cwd=ROOT, env=variables) as process:
            process.wait_for_http(f"http://{url}/json/1/")
            yield f"http://{url}", wait_until(lambda: _children(process.pid, workers), "workers")


def called(url: str, seconds: int) -> tuple[int, float]:
    """Has wrk call for so long; the requests made, and those a second.

    Raises:
        RuntimeError: an answer was no 200.
    """
    argv = ["wrk", "-t1", "-c4", f"-d{seconds}s", "-s", str(_SCRIPT), url]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    made, rate = re.search(r"(\d+) requests in", told), re.search(r"Requests/sec:\s+([\d.]+)", told)
    if not (made and rate):
        raise RuntimeError(told)
    return int(made[1]), float(rate[1])


def table(found: dict[str, list[Served]]) -> str:
    """Medians of the rounds; the ratio to bare is of the same round."""
    rows = []
    for name, rounds in found.items():
        ratios = sorted(own.rate / bare.rate for own, bare in zip(rounds, found["bare"], strict=True))
        rows.append(
            [
                CONFIGURATIONS[name].shown,
                f"{median(each.rate for each in rounds):.0f}",
                f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                f"{median(each.cpu for each in rounds) * 1e6:.0f} µs",
            ]
        )
    return grid(["gunicorn, 2 sync workers", "requests/s", "of bare", "workers' CPU per request"], rows)


def _children(pid: int, number: int) -> list[int]:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in pids] if len(pids) == number else []


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
