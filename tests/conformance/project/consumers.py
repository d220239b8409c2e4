"""Consumers that say what they run under, and the view that sends to a group."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import async_to_sync
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.conformance.project.witness import witness


def key_of(scope: dict[str, Any]) -> str:
    """The row's key, from the query string."""
    return str(parse_qs(scope["query_string"].decode())["key"][0])


class Async(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Answers with what it was sent; `boom` is too much for it. Listens to a group as well."""

    async def connect(self) -> None:
        witness(key_of(self.scope), "connect")
        await self.channel_layer.group_add(key_of(self.scope), self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        witness(key_of(self.scope), "receive")
        if text_data == '"boom"':
            raise LookupError("no such luck")
        await self.send(text_data=text_data)

    async def row_told(self, message: dict[str, Any]) -> None:
        """A message to the group."""
        witness(key_of(self.scope), "group")
        await self.send(text_data=message["text"])

    async def disconnect(self, code: int) -> None:
        witness(key_of(self.scope), "disconnect")


class Sync(WebsocketConsumer):  # type: ignore[misc]
    """The same in a thread."""

    def connect(self) -> None:
        witness(key_of(self.scope), "connect")
        async_to_sync(self.channel_layer.group_add)(key_of(self.scope), self.channel_name)
        self.accept()

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        witness(key_of(self.scope), "receive")
        self.send(text_data=text_data)

    def row_told(self, message: dict[str, Any]) -> None:
        """A message to the group."""
        witness(key_of(self.scope), "group")
        self.send(text_data=message["text"])

    def disconnect(self, code: int) -> None:
        witness(key_of(self.scope), "disconnect")


class AsyncJson(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        witness(key_of(self.scope), "connect")
        await self.accept()

    async def receive_json(self, content: Any, **_: Any) -> None:
        witness(key_of(self.scope), "receive")
        await self.send_json(content)

    async def disconnect(self, code: int) -> None:
        witness(key_of(self.scope), "disconnect")


class Json(JsonWebsocketConsumer):  # type: ignore[misc]
    def connect(self) -> None:
        witness(key_of(self.scope), "connect")
        self.accept()

    def receive_json(self, content: Any, **_: Any) -> None:
        witness(key_of(self.scope), "receive")
        self.send_json(content)

    def disconnect(self, code: int) -> None:
        witness(key_of(self.scope), "disconnect")


class Denying(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        witness(key_of(self.scope), "connect")
        await self.close()


class Http(AsyncHttpConsumer):  # type: ignore[misc]
    async def handle(self, body: bytes) -> None:
        witness(key_of(self.scope), "handle")
        await self.send_response(200, b"handled")


def tell(request: HttpRequest) -> HttpResponse:
    """A sync view that sends to the group of a connection."""
    witness(request.GET["key"], "view")
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(request.GET["to"], {"type": "row.told", "text": "told"})
    return HttpResponse("told")


urlpatterns = [path("tell/", tell)]

websocket = URLRouter(
    [
        path("consumers/async/", Async.as_asgi()),
        path("consumers/sync/", Sync.as_asgi()),
        path("consumers/async-json/", AsyncJson.as_asgi()),
        path("consumers/json/", Json.as_asgi()),
        path("consumers/denying/", Denying.as_asgi()),
    ]
)
http = URLRouter([path("consumers/http/", Http.as_asgi())])
