"""Outbound HTTP: hosts that may know the ID and the trace are told, others are not; every call is timed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from time import perf_counter
from types import ModuleType, TracebackType
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe import conf, tally, traces, trust
from django_observe.records import Call
from django_observe.reporting import guard, report
from django_observe.vocabulary import Header

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_HEADERS_POSITION = 3
"""Of urllib3's `urlopen(method, url, body, headers)`."""

_pool: ContextVar[object] = ContextVar("django_observe_outbound", default=None)
_installed = False


def install() -> None:
    """Wraps urllib3 (below requests and boto) and httpx where they send, as soon as they are imported."""
    global _installed
    if not _installed:
        _installed = True
        register_post_import_hook(_wrap_urllib3, "urllib3.connectionpool")
        register_post_import_hook(_wrap_httpx, "httpx")


def _wrap_urllib3(module: ModuleType) -> None:
    with guard("outbound"):
        wrap_function_wrapper(module.HTTPConnectionPool, "urlopen", _urlopen)


def _wrap_httpx(module: ModuleType) -> None:
    with guard("outbound"):
        wrap_function_wrapper(module.HTTPTransport, "handle_request", _handle_request)
        wrap_function_wrapper(module.AsyncHTTPTransport, "handle_async_request", _handle_async_request)


class Hop:
    """One request on its way to one host: timed until its headers are back, then told as a Call."""

    __slots__ = ("host", "method", "started", "status")

    def __init__(self, method: str, host: str) -> None:
        self.method = method
        self.host = host
        self.status: int | None = None

    def __enter__(self) -> None:
        self.started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guard("outbound"):
            call = Call(
                method=self.method.upper(),
                host=self.host,
                status=self.status,
                seconds=perf_counter() - self.started,
                trace=traces.current(),
                failure=None if kind is None else kind.__name__,
            )
            work = tally.current()
            if work is not None:
                work.add_call(call.seconds)
            report(call)


def _urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """One Call for each `urlopen`, however often it calls itself to try again."""
    if _pool.get() is pool or not is_instrumentation_enabled():
        return wrapped(*args, **kwargs)
    method, host = "", ""
    with guard("outbound"):
        method, url = _target(*args, **kwargs)
        host = (pool.host if url.startswith("/") else urlsplit(url).hostname) or ""
        args, kwargs = _with_headers(args, kwargs, host, pool.headers)
    hop = Hop(method, host)
    token = _pool.set(pool)
    try:
        with hop:
            response = wrapped(*args, **kwargs)
            hop.status = getattr(response, "status", None)
            return response
    finally:
        _pool.reset(token)


def _target(method: str, url: str, *_: Any, **__: Any) -> tuple[str, str]:
    return method, url


def _with_headers(args: tuple[Any, ...], kwargs: dict[str, Any], host: str, default: Any) -> Arguments:
    positional = len(args) > _HEADERS_POSITION
    given = args[_HEADERS_POSITION] if positional else kwargs.get("headers")
    headers = _copied(default if given is None else given)
    amend(headers, host)
    if positional:
        return (*args[:_HEADERS_POSITION], headers, *args[_HEADERS_POSITION + 1 :]), kwargs
    return args, {**kwargs, "headers": headers}


def _copied(headers: Any) -> Any:
    """A copy of its own kind, or at least a dict: what an instrumentation wrote must not pass unseen."""
    with guard("outbound"):
        return headers.copy()
    return dict(headers)


def _handle_request(
    wrapped: Callable[..., Any], _transport: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not is_instrumentation_enabled():
        return wrapped(*args, **kwargs)
    request = args[0] if args else kwargs["request"]
    hop = Hop(request.method, request.url.host)
    with _Amended(request), hop:
        response = wrapped(*args, **kwargs)
        hop.status = getattr(response, "status_code", None)
        return response


async def _handle_async_request(
    wrapped: Callable[..., Awaitable[Any]], _transport: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not is_instrumentation_enabled():
        return await wrapped(*args, **kwargs)
    request = args[0] if args else kwargs["request"]
    hop = Hop(request.method, request.url.host)
    with _Amended(request), hop:
        response = await wrapped(*args, **kwargs)
        hop.status = getattr(response, "status_code", None)
        return response


class _Amended:
    """Sends an httpx request with our headers, and leaves the request object as it was."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._headers = request.headers

    def __enter__(self) -> None:
        with guard("outbound"):
            headers = self._headers.copy()
            amend(headers, self._request.url.host)
            self._request.headers = headers

    def __exit__(self, *_: object) -> None:
        self._request.headers = self._headers


def amend(headers: Any, host: str) -> None:
    """Adds the ID and the trace to `headers` if `host` may know them, else removes what propagation wrote.

    What the caller set itself stays as it is, in either case.
    """
    ours: dict[str, str] = {}
    propagate.inject(ours)
    allowed = trust.may_be_told(host, conf.settings().propagate_to, conf.PRIVATE_NETWORKS)
    present = _by_lower_name(headers, ours)
    for name, value in ours.items():
        found = present.get(name, [])
        if not allowed:
            for key in found:
                if _is_ours(name, key, _text(headers[key]), value):
                    del headers[key]
        elif not found:
            headers[name] = value
        elif len(found) > 1 and name in found:  # an instrumentation that looks names up in one case only
            del headers[name]


def _by_lower_name(headers: Iterable[Any], wanted: dict[str, str]) -> dict[str, list[Any]]:
    present: dict[str, list[Any]] = {}
    for key in list(headers):
        name = _text(key).lower()
        if name in wanted:
            present.setdefault(name, []).append(key)
    return present


def _is_ours(name: str, key: Any, found: str, value: str) -> bool:
    """Whether `found` is what propagation writes: now, or for an earlier hop of the same trace.

    It writes names in lower case; an ID under a name in another case was set by the caller.
    """
    if name == Header.TRACEPARENT:
        return found.split("-")[1:2] == value.split("-")[1:2]
    return found == value and _text(key) == name


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
