"""Threads and executors go on under the ID and span of what started them: OpenTelemetry's instrumentation.

`Thread`, `Timer` and `ThreadPoolExecutor`, and so `loop.run_in_executor`. A thread that serves whoever comes
next, such as a pool's, begins with an empty context instead: what happened to start it is not its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from inspect import unwrap
from threading import Thread
from types import ModuleType
from typing import Any

from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe import conf

SHARED = frozenset(
    {
        "apscheduler",
        "concurrent",
        "datadog",
        "elasticapm",
        "google",
        "grpc",
        "ldclient",
        "logging",
        "multiprocessing",
        "opentelemetry",
        "paho",
        "psycopg_pool",
        "pymongo",
        "sentry_sdk",
        "socketserver",
    }
)
"""Packages whose threads and processes, often started by the first request that needs them, serve every later
one. Where a package gives its threads a `run` of their own, nothing is carried and nothing is needed."""

_installed = False


def install() -> None:
    """Switches the instrumentation on, also where tracing is off, unless it is on or disabled by name."""
    global _installed
    if not conf.may_instrument("threading"):
        return
    if not _installed:
        wrap_function_wrapper(Thread, "start", _start)
        register_post_import_hook(_spare, "concurrent.futures.interpreter")
        register_post_import_hook(_wrap_processes, "multiprocessing.process")
        _installed = True
    instrumentor: Any = ThreadingInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        # not `instrument()`, which would also settle OTEL_SEMCONV_STABILITY_OPT_IN for all that comes later
        instrumentor._instrument()  # noqa: SLF001
        instrumentor._is_instrumented_by_opentelemetry = True  # noqa: SLF001


def _start(start: Callable[[], None], begun: Any, args: tuple[()], kwargs: dict[str, Any]) -> None:
    """`start` of a Thread or Process, in an empty context where that is to serve whoever comes next."""
    if not _is_shared(begun):
        return start(*args, **kwargs)
    vars(begun).pop("_otel_context", None)  # where the instrumentation's wrapper is around this one
    return Context().run(start, *args, **kwargs)


def _wrap_processes(process: ModuleType) -> None:
    """A fork takes the context along: right for a process of the request's own, wrong for one of a pool."""
    wrap_function_wrapper(process.BaseProcess, "start", _start)


def _spare(interpreter: ModuleType) -> None:
    """Python 3.14's executor of interpreters pickles its work, which the instrumentation's closure is not."""
    interpreter.InterpreterPoolExecutor.submit = unwrap(ThreadPoolExecutor.submit)


def _is_shared(begun: Any) -> bool:
    module = getattr(getattr(begun, "_target", None), "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in SHARED
