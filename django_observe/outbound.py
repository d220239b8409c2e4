"""Outbound HTTP: hosts that may know the ID and the trace are told, others are not; every call is timed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe.hop import Hop, amended, amendments, status_number
from django_observe.reporting import guard

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_HEADERS_POSITION = 3
"""Of urllib3's `urlopen(method, url, body, headers)`."""

_guard = guard("outbound")

_pool: ContextVar[object] = ContextVar("django_observe_outbound", default=None)
_installed = False


def install() -> None:
    """Wraps urllib3 (below requests and boto), httpx and urllib.request where they send, once imported."""
    global _installed
    if not _installed:
        _installed = True
        register_post_import_hook(_wrap_urllib3, "urllib3.connectionpool")
        register_post_import_hook(_wrap_httpx, "httpx")
        register_post_import_hook(_wrap_urllib, "urllib.request")


def _wrap_urllib3(module: ModuleType) -> None:
    with guard("outbound"):
        wrap_function_wrapper(module.HTTPConnectionPool, "urlopen", _urlopen)


def _wrap_httpx(module: ModuleType) -> None:
    with guard("outbound"):
        wrap_function_wrapper(module.HTTPTransport, "handle_request", _handle_request)
        wrap_function_wrapper(module.AsyncHTTPTransport, "handle_async_request", _handle_async_request)


def _wrap_urllib(module: ModuleType) -> None:
    with guard("outbound"):
        wrap_function_wrapper(module.AbstractHTTPHandler, "do_open", _do_open)


def _do_open(wrapped: Callable[..., Any], handler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Below redirects, authentication and proxies; many who import urllib.request never send by it."""
    from django_observe import urllibrequest

    return urllibrequest.do_open(wrapped, handler, args, kwargs)


def _urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """One Call for each `urlopen`, however often it calls itself to try again."""
    if _pool.get() is pool or not _is_enabled():
        return wrapped(*args, **kwargs)
    method, host = "", ""
    with _guard:
        method, url = _target(*args, **kwargs)
        host = (pool.host if url.startswith("/") else urlsplit(url).hostname) or ""
        args, kwargs = _with_headers(args, kwargs, host, pool.headers)
    hop = Hop(method, host)
    token = _pool.set(pool)
    try:
        with hop:
            response = wrapped(*args, **kwargs)
            hop.status = status_number(getattr(response, "status", None))
            return response
    finally:
        _pool.reset(token)


def _is_enabled() -> bool:
    """Whether OpenTelemetry's `suppress_instrumentation` is not around this."""
    return _switch()()


@lru_cache(maxsize=1)
def _switch() -> Callable[[], bool]:
    """OpenTelemetry's, imported with the first call; an import that is done takes 4k instructions."""
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled

    return is_instrumentation_enabled


def _target(method: str, url: str, *_: Any, **__: Any) -> tuple[str, str]:
    return method, url


def _with_headers(args: tuple[Any, ...], kwargs: dict[str, Any], host: str, default: Any) -> Arguments:
    positional = len(args) > _HEADERS_POSITION
    given = args[_HEADERS_POSITION] if positional else kwargs.get("headers")
    headers = default if given is None else given
    changes = amendments(headers, host)
    if not any(changes):  # not copying them saves 20k instructions of a call
        return args, kwargs
    headers = amended(_copied(headers), changes)
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
    if not _is_enabled():
        return wrapped(*args, **kwargs)
    request = args[0] if args else kwargs["request"]
    hop = Hop(request.method, request.url.host)
    with _Amended(request), hop:
        response = wrapped(*args, **kwargs)
        hop.status = status_number(getattr(response, "status_code", None))
        return response


async def _handle_async_request(
    wrapped: Callable[..., Awaitable[Any]], _transport: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not _is_enabled():
        return await wrapped(*args, **kwargs)
    request = args[0] if args else kwargs["request"]
    hop = Hop(request.method, request.url.host)
    with _Amended(request), hop:
        response = await wrapped(*args, **kwargs)
        hop.status = status_number(getattr(response, "status_code", None))
        return response


class _Amended:
    """Sends an httpx request with our headers, and leaves the request object as it was."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._headers = request.headers

    def __enter__(self) -> None:
        with _guard:
            changes = amendments(self._headers, self._request.url.host)
            if any(changes):
                self._request.headers = amended(self._headers.copy(), changes)

    def __exit__(self, *_: object) -> None:
        self._request.headers = self._headers
