"""All that a whole run measures besides instructions, and how it is told."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from compileall import compile_dir
from datetime import datetime, timezone
from importlib.metadata import version
from random import Random
from time import monotonic
from typing import Any

from tests.benchmarks.cost import memory, scrape, serve, start, table, times
from tests.tables import ROOT

CPU_ROUNDS, START_ROUNDS, SERVE_ROUNDS, SERVE_SECONDS = 11, 11, 3, 3
_INSTRUCTIONS = (
    "Thousands of instructions per request, added over bare, **as a share of what the hand assembly adds**:"
)
_CPU = (
    f"CPU time per request, median of {CPU_ROUNDS} rounds; over bare in the same round (95 %), **as a share "
    "of what the hand assembly adds**:"
)
_PACKAGES = (
    *("django", "celery", "opentelemetry-sdk", "opentelemetry-instrumentation-django", "prometheus-client"),
    *("django-prometheus", "django-guid", "python-json-logger"),
)


def measured(names: list[str], views: list[str], *, whole: bool) -> dict[str, object]:
    """CPU time; of the whole run memory, start, gunicorn's rate and scrapes, too."""
    _compile()
    random = Random(6)
    steps: dict[str, Callable[[], object]] = {"cpu": lambda: times.timed(names, views, CPU_ROUNDS, random)}
    if whole:
        steps |= {"start": lambda: start.runs(START_ROUNDS, random), "scrape": scrape.measured}
        reason = serve.missing()
        if reason:
            sys.stderr.write(f"{reason}: neither memory nor gunicorn's rate\n")
        else:
            steps |= {
                "memory": memory.measured,
                "gunicorn": lambda: serve.rates(SERVE_ROUNDS, SERVE_SECONDS, random),
            }
    found = {}
    for name, step in steps.items():
        started = monotonic()
        found[name] = step()
        sys.stderr.write(f"{name} ({monotonic() - started:.0f} s)\n")
    return found


def _compile() -> None:
    """As installers do; where Python may not (PYTHONDONTWRITEBYTECODE) each start would."""
    for package in ("django_observe", "tests/benchmarks"):
        compile_dir(ROOT / package, quiet=1)


def told(found: dict[str, Any], reason: str) -> str:
    """In Markdown; `reason`: why there are no instructions."""
    random = Random(6)
    sections: list[tuple[str, str, Callable[[Any], str]]] = [
        ("instructions", _INSTRUCTIONS, table.table),
        ("cpu", _CPU, lambda each: times.table(each, random)),
        ("gunicorn", "Requests a second, callers and receiver on the same machine:", serve.table),
        ("memory", f"Memory; the goal is {memory.GOAL} MB over bare:", memory.table),
        (
            "start",
            f"Start; the goal is {start.GOAL} ms over bare with traces off:",
            lambda each: start.table(each, random),
        ),
        ("scrape", "A scrape, CPU time:", scrape.table),
    ]
    parts = [_head()] + ([f"**No instructions: {reason}.**"] if reason else [])
    if "scrape" in found and "gunicorn" not in found:
        parts.append(f"**Neither gunicorn's rate nor memory: {serve.missing()}.**")
    parts += [f"{title}\n\n{tell(found[name])}" for name, title, tell in sections if name in found]
    return "\n\n".join(parts)


def _head() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}"
    when = datetime.now(timezone.utc).date()
    return f"{when}, {machine}, Python {platform.python_version()},\n{packages}."
