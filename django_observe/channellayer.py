"""Keeps the polls of Channels' layers out of the traces: an idle connection's would be a pair every 5 s."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from types import ModuleType
from typing import Any, TypeAlias

from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from django_observe import correlation
from django_observe.reporting import guard

Receive: TypeAlias = Callable[..., Awaitable[Any]]

_MARK = "_django_observe"


def install(layers: ModuleType) -> None:
    """Mutes `receive` of every layer that `channels.layers` makes from now on. May be called again."""
    manager = layers.ChannelLayerManager
    if not hasattr(manager.make_backend, _MARK):
        manager.make_backend = _muting(manager.make_backend)


def _muting(make: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        layer = make(*args, **kwargs)
        with guard("channels"):
            layer.receive = _muted(layer.receive)
        return layer

    setattr(made, _MARK, True)
    return made


def _muted(receive: Receive) -> Receive:
    """What waits is muted, with the tasks it starts; what is done with the message is its caller's."""

    @wraps(receive)
    async def call(*args: Any, **kwargs: Any) -> Any:
        token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            return await receive(*args, **kwargs)
        finally:
            correlation.reset(token)

    return call
