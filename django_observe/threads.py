"""Threads and executors go on under the ID and the span of what started them: OpenTelemetry's context.

`Thread`, `Timer` and `ThreadPoolExecutor`, and so `loop.run_in_executor`. A thread that serves whoever comes
next, such as a pool's, begins with an empty context instead: what happened to start it is not its own.

OpenTelemetry's instrumentation does the first half as well, and may be on beside this. Here it is done
without: it is wanted where tracing is off, too, and the instrumentation imports what only tracing needs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from inspect import unwrap
from threading import Thread, Timer
from types import BuiltinFunctionType, MethodType, ModuleType
from typing import Any

from opentelemetry.context import Context as Carried
from opentelemetry.context import attach, get_current
from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe import conf, correlation
from django_observe.reporting import guard

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
        "newrelic",
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

FOREVER = frozenset({"run_forever", "serve_forever"})
"""Methods, of any event loop or server, that serve until they are stopped."""

_CARRIED = "_django_observe_context"
_guard = guard("threads")
_installed = False


def install() -> None:
    """Wraps them once, also where tracing is off, unless OpenTelemetry's variable disables `threading`."""
    global _installed
    if _installed or not conf.may_instrument("threading"):
        return
    _installed = True
    wrap_function_wrapper(Thread, "start", _start)
    wrap_function_wrapper(Thread, "run", _run)
    wrap_function_wrapper(Timer, "run", _run)
    wrap_function_wrapper(ThreadPoolExecutor, "submit", _submit)
    register_post_import_hook(_spare, "concurrent.futures.interpreter")
    register_post_import_hook(_wrap_processes, "multiprocessing.process")


def _start(start: Callable[[], None], thread: Thread, args: tuple[()], kwargs: dict[str, Any]) -> None:
    """`start` of a Thread, whose `run` goes on under what is current now."""
    if not _is_shared(thread):
        vars(thread)[_CARRIED] = get_current()
    _start_apart(start, thread, args, kwargs)


def _start_apart(start: Callable[[], None], begun: Any, args: tuple[()], kwargs: dict[str, Any]) -> None:
    """`start` of a Thread or Process, in an empty context where that is to serve whoever comes next."""
    if not _is_shared(begun):
        return start(*args, **kwargs)
    vars(begun).pop("_otel_context", None)  # where OpenTelemetry's wrapper is around this one
    return Context().run(start, *args, **kwargs)


def _run(run: Callable[[], None], thread: Thread, args: tuple[()], kwargs: dict[str, Any]) -> None:
    """`run` of a Thread or Timer; a subclass with a `run` of its own is left alone."""
    carried = vars(thread).pop(_CARRIED, None)
    go_on = run if carried is None else _under(carried, run)
    go_on(*args, **kwargs)


def _submit(submit: Callable[..., Any], _executor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`submit` of an executor: each work item goes on under what is current where it is handed in."""
    if args:
        args = (_under(get_current(), args[0]), *args[1:])
    return submit(*args, **kwargs)


def _under(carried: Carried, function: Callable[..., Any]) -> Callable[..., Any]:
    def bound(*args: Any, **kwargs: Any) -> Any:
        token = attach(carried)
        try:
            return function(*args, **kwargs)
        finally:
            correlation.reset(token)

    return bound


def _wrap_processes(process: ModuleType) -> None:
    """A fork takes the context along: right for a process of the request's own, wrong for one of a pool."""
    wrap_function_wrapper(process.BaseProcess, "start", _start_apart)


def _spare(interpreter: ModuleType) -> None:
    """Python 3.14's executor of interpreters pickles its work, which a closure is not."""
    interpreter.InterpreterPoolExecutor.submit = unwrap(ThreadPoolExecutor.submit)


def _is_shared(begun: Any) -> bool:
    """Whether what a Thread, Timer or Process calls is a method that serves for ever, or code of SHARED."""
    with _guard:
        called = _called(vars(begun))
        if getattr(called, "__name__", None) in FOREVER:
            return True
        module = getattr(called, "__module__", None)
        return isinstance(module, str) and module.partition(".")[0] in SHARED
    return False


def _called(known: dict[str, Any]) -> Any:
    """The function or class that is called, which can be asked for its name; of any other object its class.

    Asking such an object itself, even for its truth, may raise, or set up a SimpleLazyObject in this thread.
    """
    target: Any = known.get("_target")
    if target is None:
        target = known.get("function")
    kind: Any = type(target)
    while issubclass(kind, partial) or kind is MethodType:
        target = target.__func__ if kind is MethodType else target.func
        kind = type(target)
    can_be_asked = kind is BuiltinFunctionType or issubclass(kind, type) or hasattr(kind, "__get__")
    return target if can_be_asked else kind
