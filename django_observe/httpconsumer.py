"""One HTTP request that a consumer answers, past Django's handler and its middleware: told as any request."""

from __future__ import annotations

from io import BytesIO
from types import TracebackType
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.urls import ResolverMatch

from django_observe.handledmessage import HandledMessage, name_of
from django_observe.handshake import echoed
from django_observe.observation import Observation
from django_observe.reporting import guard


class HttpConnection:
    """One span for all of it; it ends with the answer's last byte, or with the consumer."""

    def __init__(self, consumer: Any, scope: dict[str, Any], route: str) -> None:
        request = ASGIRequest(scope, BytesIO())
        given = scope.get("url_route")
        if given is not None:
            request.resolver_match = ResolverMatch(
                type(consumer),
                given.get("args", ()),  # a test's scope may have but one of them
                given.get("kwargs", {}),
                url_name=name_of(consumer),
                route=route,
            )
        self._scope = scope
        self._observation = Observation(request)
        self._status: int | None = None
        self._bytes = 0
        self._complete = False

    def __enter__(self) -> None:
        self._tokens = self._observation.bind()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guard("channels"):
            if isinstance(error, Exception):
                self._observation.abandon(error)
            elif self._status is None:
                self._observation.abandon(error or GeneratorExit())
            else:
                self._observation.answered(self._status, bytes_out=self._bytes, aborted=not self._complete)
        self._observation.unbind(self._tokens)

    def handled(self, message: dict[str, Any]) -> HandledMessage | None:  # noqa: ARG002 - the interface's
        """Nothing for a single message: the request is observed as a whole."""
        return None

    def sending(self, message: dict[str, Any]) -> dict[str, Any]:
        """Takes the status, and adds the ID to the headers where the application sends none."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            return echoed(message, self._observation.correlation_id, self._scope)
        if message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        return message
