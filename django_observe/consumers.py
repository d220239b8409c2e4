"""Channels' edge: what a consumer does is observed, by WebSocket, by HTTP or from a channel of a worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import Any, Protocol

from django_observe import httpconsumer, websocket, workerchannel
from django_observe.handledmessage import HandledMessage
from django_observe.reporting import guard

_MARK = "_django_observe"
_observed: ContextVar[bool] = ContextVar("django_observe_consumer", default=False)
"""Whether a consumer is observed here already: one that it hands its messages to is a part of it."""


class Dialogue(AbstractContextManager[None], Protocol):
    """What one consumer receives and sends; as a context manager from its first message to its last."""

    def handled(self, message: dict[str, Any]) -> HandledMessage | None:
        """What stands around the handling of one message, if anything does."""

    def sending(self, message: dict[str, Any]) -> dict[str, Any]:
        """Sees what is about to be sent; gives what is to be sent instead."""


_DIALOGUES: dict[str, Callable[[Any, dict[str, Any]], Dialogue]] = {
    "websocket": websocket.WebSocketDialogue,
    "http": httpconsumer.HttpDialogue,
    "channel": workerchannel.ChannelDialogue,
}


def install(consumer: ModuleType) -> None:
    """Observes every consumer there is and will be. May be called again."""
    base = consumer.AsyncConsumer
    if not hasattr(base.__call__, _MARK):
        base.__call__ = _observing(base.__call__)


def _observing(serve: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(serve)
    async def call(consumer: Any, scope: Any, receive: Any, send: Any) -> Any:
        dialogue = None
        with guard("channels"):
            kind = None if _observed.get() else _DIALOGUES.get(scope["type"])
            dialogue = kind(consumer, scope) if kind else None
        if dialogue is None:
            return await serve(consumer, scope, receive, send)
        token = _observed.set(True)
        try:
            return await _served(dialogue, serve, consumer, (scope, receive, send))
        finally:
            with guard("channels"):
                _observed.reset(token)

    setattr(call, _MARK, True)
    return call


async def _served(
    dialogue: Dialogue, serve: Callable[..., Awaitable[Any]], consumer: Any, asgi: tuple[Any, Any, Any]
) -> Any:
    """Serves with `dispatch` watched on the instance: subclasses, SyncConsumer first, define their own."""
    scope, receive, send = asgi
    dispatch = consumer.dispatch

    async def observed_dispatch(message: dict[str, Any]) -> None:
        handled = None
        with guard("channels"):
            handled = dialogue.handled(message)
        with handled or nullcontext():
            await dispatch(message)

    async def observed_send(message: dict[str, Any]) -> None:
        with guard("channels"):
            message = dialogue.sending(message)
        await send(message)

    with dialogue:
        consumer.dispatch = observed_dispatch
        try:
            return await serve(consumer, scope, receive, observed_send)
        finally:
            vars(consumer).pop("dispatch", None)
