"""Switching on OpenTelemetry's instrumentations by a distro, each when the project imports its library.

That a library is installed is no reason to import it: psycopg, redis and httpx are 22 MB of a process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.distro import BaseDistro, DefaultDistro  # type: ignore[attr-defined]
from wrapt import register_post_import_hook

from django_observe import conf
from django_observe.reporting import guard

NAMES = {
    "requests": "RequestsInstrumentor",
    "urllib3": "URLLib3Instrumentor",
    "httpx": "HTTPXClientInstrumentor",
    "psycopg": "PsycopgInstrumentor",
    "redis": "RedisInstrumentor",
    "sqlite3": "SQLite3Instrumentor",
}
"""Not django and celery, which have modules here, nor logging, which puts a handler on the root logger."""

DATABASES = {"psycopg", "sqlite3"}
"""Whose spans `dbspans` makes where the statements are Django's."""

STABLE_CONVENTIONS = "http,database"
"""Of OTEL_SEMCONV_STABILITY_OPT_IN: HTTP and database attributes under their stable names."""

_GROUP = "opentelemetry_instrumentor"
_awaited: set[str] = set()
switched_on: set[str] = set()
"""Of NAMES, those that are on by us, and not by the project before."""


def install() -> None:
    """Switches on what is imported or will be, and not yet on. May be called again."""
    conventions: Any = _OpenTelemetrySemanticConventionStability
    with guard("instrumentation"), _default("OTEL_SEMCONV_STABILITY_OPT_IN", STABLE_CONVENTIONS):
        conventions._initialize()  # noqa: SLF001 - reads the variable, once for all
    for name in NAMES:
        if conf.may_instrument(name):
            instrumentation = f"opentelemetry.instrumentation.{name}"
            _when_imported(instrumentation, partial(_switch_on, name))
            _when_imported(name, partial(_import, instrumentation))


@contextmanager
def _default(name: str, value: str) -> Iterator[None]:
    """Gives a variable that is unset a value for the duration of a block; child processes never see it."""
    if conf.environment(name):
        yield
        return
    conf.set_environment(name, value)
    try:
        yield
    finally:
        conf.set_environment(name, None)


def _when_imported(name: str, act: Callable[[ModuleType], None]) -> None:
    if name in sys.modules or name not in _awaited:
        _awaited.add(name)
        register_post_import_hook(act, name)


def _import(instrumentation: str, _: ModuleType) -> None:
    """It is switched on where its import ends: the project may be importing it, and thereby its library."""
    with guard("instrumentation"):
        try:
            import_module(instrumentation)
        except ModuleNotFoundError:
            return


def _distro() -> Any:
    """The installed one that OTEL_PYTHON_DISTRO names, else one that adds nothing.

    OpenTelemetry's own adds nothing to an instrumentation either, and imports the SDK's metrics: 1.8 MB.
    """
    name = conf.environment("OTEL_PYTHON_DISTRO")
    for entry_point in entry_points(group="opentelemetry_distro", name=name) if name else ():
        distro = entry_point.load()()
        if isinstance(distro, BaseDistro):
            return distro
    return DefaultDistro()


def _switch_on(name: str, instrumentation: ModuleType) -> None:
    """An unsuitable version of the library is passed over."""
    with guard("instrumentation"):
        if getattr(instrumentation, NAMES[name])().is_instrumented_by_opentelemetry:
            return
        entry_point = EntryPoint(name, f"{instrumentation.__name__}:{NAMES[name]}", _GROUP)
        try:
            _distro().load_instrumentor(entry_point, raise_exception_on_conflict=True)
        except DependencyConflictError:
            return
        switched_on.add(name)
        if name in DATABASES:
            from django_observe import dbspans

            dbspans.install(instrumentation.__name__)
