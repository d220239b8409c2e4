"""One hop of a backend examined: BACKENDS names it, or it was only found on this machine."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django_observe.doctor import console, jaeger, loki, prometheus
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import Finding
from tests.doctor.served import canary

HOPS: dict[str, ModuleType] = {"console": console, "jaeger": jaeger, "loki": loki, "prometheus": prometheus}


def examined(name: str, url: str | None, *, found: bool = False, **given: Any) -> list[Finding]:
    """What a hop finds of a backend that BACKENDS names, or that was `found` on this machine."""
    named: dict[str, Any] = {name: url}
    known = Backends(**named, given=frozenset() if found else frozenset({name}))
    return list(HOPS[name].examine(canary(known, **given)))


def states(findings: list[Finding]) -> list[str]:
    return [finding.state for finding in findings]
