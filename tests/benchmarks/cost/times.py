"""CPU time per request, all threads and exports included: rounds of all configurations in random order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from statistics import median
from typing import NamedTuple

from tests.benchmarks.cost.configurations import CONFIGURATIONS
from tests.benchmarks.cost.measured import Measured
from tests.benchmarks.cost.windows import requests_of
from tests.tables import grid

Times = dict[str, dict[str, list[float]]]
"""Microseconds per request by configuration and view, round by round."""

RESAMPLES = 1_000


class Interval(NamedTuple):
    """A median and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.0f} ({self.low:+.0f} to {self.high:+.0f})"


def interval(values: Sequence[float], random: Random) -> Interval:
    """Bootstrapped over the values."""
    drawn = sorted(median(random.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Interval(median(values), drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)])


def timed(names: Sequence[str], views: Sequence[str], rounds: int, random: Random) -> Times:
    """Each round measures each view once in each configuration; an export for each 100 requests."""
    found: Times = {name: {view: [] for view in views} for name in names}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(Measured(name, list(views), [], {})) for name in names}
        for _ in range(rounds):
            for view in views:
                for name in random.sample(list(names), len(names)):
                    found[name][view].append(_microseconds(processes[name], view))
    return found


def added(found: Times, name: str, view: str, random: Random) -> Interval:
    """Microseconds over bare in the same round."""
    pairs = zip(found[name][view], found["bare"][view], strict=True)
    return interval([own - bare for own, bare in pairs], random)


def table(found: Times, random: Random) -> str:
    """In Markdown; a column for each view."""
    views = list(found["bare"])
    rows = [["bare", *(f"{median(found['bare'][view]):.0f}" for view in views)]]
    rows += [
        [CONFIGURATIONS[name].shown, *(_cell(found, name, view, random) for view in views)]
        for name in found
        if name != "bare"
    ]
    return grid(["µs", *views], rows)


def _cell(found: Times, name: str, view: str, random: Random) -> str:
    own = added(found, name, view, random)
    if CONFIGURATIONS[name].assembly != "ours" or "hand" not in found:
        return str(own)
    peer = "hand-tenth" if CONFIGURATIONS[name].tenth and "hand-tenth" in found else "hand"
    return f"{own}, **{own.value / added(found, peer, view, random).value:.2f}**"


def _microseconds(process: Measured, view: str) -> float:
    number = requests_of(view)
    process.prepare()
    return process.run(view, number) / number * 1e6
