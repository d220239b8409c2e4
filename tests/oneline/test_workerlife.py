"""The one line under servers that replace a worker after so many requests: each is counted and arrives."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import django
import pytest

from tests.collector import Collector
from tests.faults.endings import family, seconds_to_end
from tests.oneline.environments import Environment
from tests.oneline.life import HOME, alive, ids, started
from tests.oneline.otherservers import SERVERS, needed
from tests.oneline.project import startproject
from tests.oneline.service import Service
from tests.processes import wait_until

REQUESTS = "12"
"""Those that a worker lives for."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "uWSGI": ("--max-requests", REQUESTS, "--min-worker-lifetime", "1"),
    "hypercorn": ("--max-requests", REQUESTS),
    "uvicorn": ("--limit-max-requests", REQUESTS),
}
"""Granian counts seconds, 60 of them at least: that it replaces workers by SIGHUP is in the life of each."""


@dataclass
class Visit:
    """What clients got of the start page, and who served them."""

    service: Service
    identifiers: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    """Of each process."""

    def pay(self) -> bool:
        """Asks once more; a worker that ends may close a connection that it has not read from."""
        answer = wait_until(lambda: self.service.get("/"), "the start page")
        self.identifiers.append(str(answer.headers["X-Correlation-ID"]))
        state = wait_until(lambda: self.service.get("/state/"), "who serves")
        self.answers[state.json()["process"]] += 1
        return True

    def settled(self, workers: int) -> bool:
        """Asks once more; whether so many workers have answered and have a while to go.

        uWSGI's take no notice of its end before they have come to serve: it waits a minute for such a one.
        """
        self.pay()
        young = [
            pid for pid in family(self.service.process.pid) if 0 < self.answers[pid] <= int(REQUESTS) / 4
        ]
        return len(young) >= workers

    def told(self, name: str, **labels: str) -> float:
        """A sample on /metrics, whoever answers."""
        [value] = wait_until(lambda: [self.service.sample(name, **labels)], "the metrics")
        return value


def counting(folder: Path) -> set[int]:
    """The processes that have a file of metrics of their own; nobody has scraped them yet."""
    return {int(path.stem.removeprefix("counter_")) for path in folder.rglob("counter_*.db")} - {0}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_replaced_workers_counted_and_traced_is_kept(name: str, tmp_path: Path) -> None:
    needed(name)
    here = Environment(django.get_version(), Path(sys.executable).parent)
    server = SERVERS[name]
    server = replace(server, argv=(server.argv[0], *OPTIONS[name], *server.argv[1:]))
    with Collector() as collector, started(server, here, startproject(here, tmp_path), collector) as service:
        visit = Visit(service)
        wait_until(lambda: visit.pay() and len(visit.answers) >= 2 * server.workers, "new workers", 60)
        ended = [pid for pid in visit.answers if not alive(pid)]
        assert len(ended) >= server.workers
        wait_until(lambda: visit.pay() and all(map(alive, counting(tmp_path))), "no files of ended workers")
        assert [visit.told(HOME, view="home") for _ in range(3)] == [len(visit.identifiers)] * 3
        assert visit.told("observe_scrape_incomplete") == 0
        wait_until(lambda: visit.settled(server.workers), "workers that stay", 60)
        seconds_to_end(service.process)
        assert service.process.popen.returncode == server.status
        assert len(set(visit.identifiers)) == len(visit.identifiers)
        assert set(visit.identifiers) <= ids(collector)
