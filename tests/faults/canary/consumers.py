"""A WebSocket whose path, query, headers and messages hold canaries."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import WebsocketConsumer

from tests.faults.canary.breaking import refuse, survived
from tests.faults.canary.values import own, witness


class Talk(WebsocketConsumer):  # type: ignore[misc]
    """Answers one message; under the outcome error that breaks."""

    def connect(self) -> None:
        """Notes what the handshake brought."""
        scope: dict[str, Any] = self.scope
        told = scope["url_route"]["kwargs"]
        self.outcome = told["outcome"]
        headers = dict(scope["headers"])
        witness("WebSocket: path", self.outcome, told["segment"])
        witness("WebSocket: query", self.outcome, parse_qs(scope["query_string"].decode())["page"][0])
        witness("WebSocket: header", self.outcome, headers[b"x-shop"].decode())
        witness("WebSocket: cookie", self.outcome, headers[b"cookie"].decode().partition("=")[2])
        self.accept()

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Notes the message, and breaks."""
        witness("WebSocket: message", self.outcome, text_data or "")
        value = own("exception args: consumer", self.outcome)
        witness("exception args: consumer", self.outcome, value)
        with survived(unless=self.outcome == "error"):
            refuse(value)
        self.send(text_data="done")
