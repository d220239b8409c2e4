"""What a worker keeps: its resident memory after 20,000 requests, beside a bare one's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.cost import serve
from tests.benchmarks.cost.configurations import CONFIGURATIONS
from tests.tables import grid

REQUESTS = 20_000
STEP_SECONDS = 2
GOAL = 12
"""MB over bare."""


class Resident(NamedTuple):
    """Of a worker, in MB."""

    rss: float
    """All pages, files' too."""
    anonymous: float
    """Its own."""


def measured(names: tuple[str, ...] = serve.COMPARED) -> dict[str, Resident]:
    """By configuration."""
    found = {}
    for name in names:
        with serve.gunicorn(name, workers=1) as (url, [pid]):
            made = 0
            while made < REQUESTS:
                made += serve.called(url, STEP_SECONDS)[0]
            found[name] = _resident(pid)
    return found


def table(found: dict[str, Resident]) -> str:
    """Over bare, too."""
    bare = found["bare"]
    rows = [
        [
            CONFIGURATIONS[name].shown,
            f"{each.rss:.1f} MB",
            f"{each.rss - bare.rss:+.1f} MB",
            f"{each.anonymous - bare.anonymous:+.1f} MB",
        ]
        for name, each in found.items()
    ]
    head = [
        f"a gunicorn worker after {REQUESTS:,} requests",
        "resident",
        "over bare",
        "of its own, over bare",
    ]
    return grid(head, rows)


def _resident(pid: int) -> Resident:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = {
        name: int(number) for name, number in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE)
    }
    return Resident(kilobytes["VmRSS"] / 1024, kilobytes["RssAnon"] / 1024)
