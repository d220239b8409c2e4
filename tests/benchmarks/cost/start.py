"""What the start costs: `manage.py check` beside a bare project's, in processes of their own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from random import Random
from statistics import median
from time import perf_counter
from typing import NamedTuple

from tests.benchmarks.cost.configurations import CONFIGURATIONS, environment
from tests.benchmarks.cost.times import Interval, interval
from tests.tables import ROOT, grid

COMPARED = ("bare", "ours-notraces", "ours", "hand")
GOAL = 60
"""Milliseconds of `check` with tracing off, over bare."""
LOADS = 5

_CHECK = [sys.executable, "-m", "django", "check"]
_LOADED = """
import json, re, sys
from time import process_time
began = process_time()
import django
django.setup()
ready = (process_time() - began) * 1_000
from django.core.management import call_command
call_command("check", verbosity=0)
resident = int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([ready, len(sys.modules), resident, [name for name in sys.modules if name.count(".") < 2]]))
"""


class Run(NamedTuple):
    """One `check`, in ms."""

    wall: float
    cpu: float


class Loaded(NamedTuple):
    """What is in a process that has checked."""

    ready: float
    """Milliseconds of CPU until Django is set up: imports, and each application's `ready()`."""
    modules: int
    resident: float
    """MB."""
    names: list[str]
    """Of the modules, down to the second level."""


def runs(rounds: int, random: Random) -> dict[str, list[Run]]:
    """Rounds in which each configuration checks once, in random order; one before that is not counted."""
    found: dict[str, list[Run]] = {name: [] for name in COMPARED}
    for each in range(rounds + 1):
        for name in random.sample(COMPARED, len(COMPARED)):
            run = _run(name)
            if each:
                found[name].append(run)
    return found


def loaded(name: str) -> Loaded:
    """What `check` has imported."""
    told = subprocess.run(
        [sys.executable, "-c", _LOADED],
        cwd=ROOT,
        env=_variables(name),
        capture_output=True,
        text=True,
        check=True,
    )
    return Loaded(*json.loads(told.stdout.splitlines()[-1]))


def over_bare(found: dict[str, list[Run]], name: str, random: Random) -> Interval:
    """Milliseconds of CPU more than bare in the same round: the median with its 95 % interval."""
    pairs = zip(found[name], found["bare"], strict=True)
    return interval([own.cpu - bare.cpu for own, bare in pairs], random)


def table(found: dict[str, list[Run]], random: Random) -> str:
    """With what is imported."""
    rows = []
    for name, each in found.items():
        several = [loaded(name) for _ in range(LOADS)]
        has = several[0]
        rows.append(
            [
                CONFIGURATIONS[name].shown,
                f"{median(run.wall for run in each):.0f} ms",
                f"{median(run.cpu for run in each):.0f} ms",
                str(over_bare(found, name, random)),
                f"{median(run.ready for run in several):.0f} ms",
                str(has.modules),
                f"{has.resident:.1f} MB",
            ]
        )
    head = ["`manage.py check`", "wall", "CPU", "CPU over bare, ms (95 %)"]
    return grid([*head, "of its CPU import and `ready()`", "modules", "resident"], rows)


def _run(name: str) -> Run:
    before, started = _children_seconds(), perf_counter()
    subprocess.run(_CHECK, cwd=ROOT, env=_variables(name), capture_output=True, check=True)
    return Run((perf_counter() - started) * 1_000, (_children_seconds() - before) * 1_000)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _variables(name: str) -> dict[str, str]:
    merged = {**os.environ, **environment(name, "http://127.0.0.1:9")}
    return {key: value for key, value in merged.items() if value is not None}
