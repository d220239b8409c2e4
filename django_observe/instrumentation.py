"""Switching on OpenTelemetry's instrumentations of installed libraries, as its own distribution does."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from opentelemetry.distro import OpenTelemetryDistro
from opentelemetry.instrumentation.dependencies import DependencyConflictError

from django_observe import conf
from django_observe.reporting import guard

NAMES = ("requests", "urllib3", "httpx", "psycopg", "redis", "sqlite3")
"""Not django and celery, which have modules here, nor logging, which puts a handler on the root logger."""

STABLE_CONVENTIONS = "http,database"
"""Of OTEL_SEMCONV_STABILITY_OPT_IN: HTTP and database attributes under their stable names."""


def install() -> None:
    """Switches on what is installed and not yet on; an absent or unsuitable library is passed over."""
    distro: Any = OpenTelemetryDistro()
    found = {each.name: each for each in entry_points(group="opentelemetry_instrumentor")}
    with conf.environment_default("OTEL_SEMCONV_STABILITY_OPT_IN", STABLE_CONVENTIONS):
        for name in NAMES:
            if name in found and conf.may_instrument(name):
                with guard("instrumentation"):
                    _switch_on(distro, found[name])


def _switch_on(distro: Any, entry_point: EntryPoint) -> None:
    try:
        instrumentor = entry_point.load()()
        if not instrumentor.is_instrumented_by_opentelemetry:
            distro.load_instrumentor(entry_point, raise_exception_on_conflict=True)
    except (ImportError, DependencyConflictError):
        return
