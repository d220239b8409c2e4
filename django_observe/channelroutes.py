"""The URL pattern that Channels' router chose: it tells its applications the arguments, but not the route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import Any

from django_observe.reporting import guard

_MARK = "_django_observe"
_route: ContextVar[str] = ContextVar("django_observe_channel_route", default="")


def current() -> str:
    """The route of the application that is running, as nested routers put it together; empty without one."""
    return _route.get()


def install(routing: ModuleType) -> None:
    """Has every `URLRouter` note what it chooses. May be called again."""
    router = routing.URLRouter
    if not hasattr(router.__call__, _MARK):
        router.__call__ = _noting(router.__call__)


def _noting(route: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(route)
    async def call(router: Any, scope: Any, receive: Any, send: Any) -> Any:
        chosen = ""
        with guard("channels"):
            chosen = _chosen(router, scope)
        token = _route.set(_route.get() + chosen if "path_remaining" in scope else chosen)
        try:
            return await route(router, scope, receive, send)
        finally:
            with guard("channels"):
                _route.reset(token)

    setattr(call, _MARK, True)
    return call


def _chosen(router: Any, scope: Any) -> str:
    """The pattern that the router will find, by its own rules (channels.routing 4.3)."""
    path = scope.get("path_remaining")
    if path is None:
        path = scope["path"][len(scope.get("root_path", "")) :]
    path = path.lstrip("/")
    return next((str(each.pattern) for each in router.routes if each.pattern.match(path)), "")
