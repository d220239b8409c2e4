"""One WebSocket that a consumer serves: one ID, a span for each message, a line at the end."""

from __future__ import annotations

import os
from contextvars import Token
from time import perf_counter
from types import TracebackType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_NAME
from opentelemetry.semconv.attributes.url_attributes import URL_PATH
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind, get_current_span, set_span_in_context
from opentelemetry.util.types import AttributeValue

from django_observe import correlation, openwebsockets, persons, privacy
from django_observe.handledmessage import HandledMessage, name_of, started
from django_observe.handshake import DENIED, SWITCHING_PROTOCOLS, Handshake, echoed
from django_observe.observation import CLIENT_CLOSED_REQUEST
from django_observe.records import CallStats, Failure, QueryStats, WebSocket
from django_observe.reporting import guard, report
from django_observe.tasktrace import LONG_ETA_SECONDS
from django_observe.vocabulary import Attribute

PROTOCOL: Final = "websocket"
NORMAL_CLOSURE: Final = 1000
"""What servers send when an application closes without a code (RFC 6455, section 7.4.1)."""
MAX_TRACE_SECONDS: Final = LONG_ETA_SECONDS
"""How long a connection's messages are children of its handshake; each has a trace of its own afterwards."""


class WebSocketConnection:
    """From the handshake to the end of the consumer; all of it, group messages included, has one ID."""

    def __init__(self, consumer: Any, scope: dict[str, Any], route: str) -> None:
        self._scope = scope
        self._consumer = name_of(consumer)
        self._handshake = Handshake(scope, route)
        self._started = perf_counter()
        self._received = self._sent = 0
        self._close_code: int | None = None
        self._failure: Failure | None = None
        self._queries, self._calls = QueryStats(), CallStats()
        self._ended = False
        self._process = os.getpid()
        self._token: Token[Context]

    def __enter__(self) -> None:
        self._token = correlation.bind(self._handshake.correlation_id, self._handshake.context)
        openwebsockets.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guard("channels"):
            self.end(error)
        correlation.reset(self._token)

    def end(self, error: BaseException | None) -> None:
        """Tells of the connection; only the first call counts."""
        if self._ended or self._process != os.getpid():  # a child that a handler forked tells nothing
            return
        self._ended = True
        openwebsockets.discard(self)
        if self._failure is None and isinstance(error, Exception):
            self._failure = privacy.failure_of(error)
        self._handshake.answered(500 if self._failure else CLIENT_CLOSED_REQUEST, self._failure)
        report(self._record())

    def handled(self, message: dict[str, Any]) -> HandledMessage:
        """Every message has a span, be it a client's or a group's: the handshake's child, or linked to it."""
        kind = str(message["type"])
        if kind == "websocket.receive":
            self._received += 1
        elif kind == "websocket.disconnect" and self._handshake.status == SWITCHING_PROTOCOLS:
            self._close_code = self._close_code or message.get("code")
        attributes: dict[str, AttributeValue] = {
            NETWORK_PROTOCOL_NAME: PROTOCOL,
            URL_PATH: self._handshake.path,
            Attribute.MESSAGE_TYPE: kind,
            Attribute.CONSUMER: self._consumer,
        }
        if self._handshake.client_ip is not None:
            attributes[CLIENT_ADDRESS] = self._handshake.client_ip
        name = f"{kind} {self._handshake.route or self._consumer}"
        span_kind = SpanKind.SERVER if kind.startswith("websocket.") else SpanKind.CONSUMER
        context, link = self._parent()
        span = started(name, context, span_kind, attributes, link)
        return HandledMessage(self._handshake.correlation_id, context, span, self._add)

    def sending(self, message: dict[str, Any]) -> dict[str, Any]:
        """Counts; an answer to the handshake gets the ID as a header, where the application sends none."""
        kind = message["type"]
        if kind == "websocket.send":
            self._sent += 1
        elif kind == "websocket.accept":
            self._handshake.answered(SWITCHING_PROTOCOLS)
            return echoed(message, self._handshake.correlation_id, self._scope)
        elif kind == "websocket.close":
            self._handshake.answered(DENIED)
            if self._close_code is None and self._handshake.status == SWITCHING_PROTOCOLS:
                self._close_code = message.get("code") or NORMAL_CLOSURE
        elif kind == "websocket.http.response.start":
            self._handshake.answered(message["status"])
            return echoed(message, self._handshake.correlation_id, self._scope)
        return message

    def _parent(self) -> tuple[Context, Link | None]:
        context = self._handshake.context
        if self._handshake.trace is None or perf_counter() - self._started < MAX_TRACE_SECONDS:
            return context, None
        link = Link(get_current_span(context).get_span_context())
        return set_span_in_context(INVALID_SPAN, context), link

    def _add(self, handled: HandledMessage) -> None:
        self._failure = self._failure or handled.failure
        self._queries += handled.queries
        self._calls += handled.calls

    def _was_aborted(self) -> bool:
        unclosed = self._handshake.status == SWITCHING_PROTOCOLS and self._close_code is None
        return self._failure is None and (unclosed or self._handshake.status == CLIENT_CLOSED_REQUEST)

    def _record(self) -> WebSocket:
        handshake = self._handshake
        return WebSocket(
            correlation_id=handshake.correlation_id,
            client_correlation_id=handshake.client_correlation_id,
            trace=handshake.trace,
            consumer=self._consumer,
            path=handshake.path,
            route=handshake.route or None,
            status=handshake.status or CLIENT_CLOSED_REQUEST,
            close_code=self._close_code,
            aborted=self._was_aborted(),
            received=self._received,
            sent=self._sent,
            seconds=perf_counter() - self._started,
            queries=self._queries,
            calls=self._calls,
            user_id=_user_id(self._scope),
            client_ip=handshake.client_ip,
            failure=self._failure,
        )


def _user_id(scope: dict[str, Any]) -> str | None:
    """The user whom Channels' AuthMiddleware has looked up; one that was not is not looked up."""
    with guard("channels"):  # a user may be of any class: one that raises costs no line
        user = scope.get("user")
        return persons.user_id(getattr(user, "_wrapped", user))
    return None
