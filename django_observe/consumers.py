"""Channels' edge: what a consumer does is observed, by WebSocket, by HTTP or from a channel of a worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, TypeAlias

from django_observe import channellayer, conf, httpconsumer, websocket, workerchannel
from django_observe.handledmessage import HandledMessage
from django_observe.reporting import guard

Serve: TypeAlias = Callable[..., Awaitable[Any]]

_MARK = "_django_observe"
_observed: ContextVar[bool] = ContextVar("django_observe_consumer", default=False)
"""Whether a consumer is observed here already: one that it hands its messages to is a part of it."""

_route: ContextVar[str] = ContextVar("django_observe_route", default="")
"""What Channels' routers chose, nested ones together: their applications are told the arguments alone."""


class Connection(AbstractContextManager[None], Protocol):
    """All that a consumer receives and sends (ASGI, "Connection scope"); entered before the first message."""

    def handled(self, message: dict[str, Any]) -> HandledMessage | None:
        """What stands around the handling of one message, if anything does."""

    def sending(self, message: dict[str, Any]) -> dict[str, Any]:
        """Sees what is about to be sent; gives what is to be sent instead."""


_CONNECTIONS: dict[str, Callable[[Any, dict[str, Any], str], Connection]] = {
    "websocket": websocket.WebSocketConnection,
    "http": httpconsumer.HttpConnection,
    "channel": workerchannel.ChannelConnection,
}


def install(found: ModuleType) -> None:
    """Observes every consumer of `channels.consumer`, or the choices of every router of `channels.routing`.

    Those that are defined later as well, and the layers they wait on. May be called again.
    """
    for name, observing in (("AsyncConsumer", _observing), ("URLRouter", _noting)):
        kind = getattr(found, name, None)
        if kind is not None and not hasattr(kind.__call__, _MARK):
            kind.__call__ = observing(kind.__call__)
    channellayer.install(import_module("channels.layers"))


def _observing(serve: Serve) -> Serve:
    @wraps(serve)
    async def call(consumer: Any, scope: Any, receive: Any, send: Any) -> Any:
        connection = None
        with guard("channels"):
            connection = _connection(consumer, scope)
        if connection is None:
            return await serve(consumer, scope, receive, send)
        token = _observed.set(True)
        try:
            return await _served(connection, serve, consumer, (scope, receive, send))
        finally:
            with guard("channels"):
                _observed.reset(token)

    setattr(call, _MARK, True)
    return call


def _connection(consumer: Any, scope: dict[str, Any]) -> Connection | None:
    """None where nothing is to be observed."""
    kind = _CONNECTIONS.get(scope["type"])
    if kind is None or _observed.get() or not conf.settings().channels:
        return None
    return kind(consumer, scope, _route.get())


async def _served(connection: Connection, serve: Serve, consumer: Any, asgi: tuple[Any, Any, Any]) -> Any:
    """Serves with `dispatch` watched on the instance: subclasses, SyncConsumer first, define their own."""
    scope, receive, send = asgi
    dispatch = consumer.dispatch

    async def observed_dispatch(message: dict[str, Any]) -> None:
        handled = None
        with guard("channels"):
            handled = connection.handled(message)
        with handled or nullcontext():
            await dispatch(message)

    async def observed_send(message: dict[str, Any]) -> None:
        with guard("channels"):
            message = connection.sending(message)
        await send(message)

    setattr(observed_dispatch, _MARK, True)
    kept = _own_dispatch(consumer)
    with connection:
        consumer.dispatch = observed_dispatch
        try:
            return await serve(consumer, scope, receive, observed_send)
        finally:
            vars(consumer).pop("dispatch", None)
            vars(consumer).update(kept)


def _own_dispatch(consumer: Any) -> dict[str, Any]:
    """That of the instance itself, such as a test's mock; not ours of another connection that it serves."""
    own = vars(consumer).get("dispatch")
    return {} if own is None or _MARK in getattr(own, "__dict__", ()) else {"dispatch": own}


def _noting(route: Serve) -> Serve:
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


def _chosen(router: Any, scope: dict[str, Any]) -> str:
    """The pattern that the router will find, by its own rules (channels.routing 4.3)."""
    path = scope.get("path_remaining")
    if path is None:
        path = scope["path"][len(scope.get("root_path", "")) :]
    path = path.lstrip("/")
    return next((str(each.pattern) for each in router.routes if each.pattern.match(path)), "")
