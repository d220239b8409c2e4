"""The HTTP request that opens a WebSocket (RFC 6455, section 4.1), whose ID and trace the connection has."""

from __future__ import annotations

from io import BytesIO
from time import perf_counter
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest
from opentelemetry.context import Context, get_current

from django_observe import conf, correlation, persons, routetext, traces, trust
from django_observe.handledmessage import traced
from django_observe.pathtext import path_of
from django_observe.records import Exchange, Failure, TraceContext, WebSocketHandshake
from django_observe.reporting import guard, report
from django_observe.requesthead import given_id
from django_observe.vocabulary import UNMATCHED_ROUTE

SWITCHING_PROTOCOLS: Final = 101
DENIED: Final = 403
"""What servers answer where an application closes before it has accepted (ASGI, "WebSocket", "Close")."""

METHOD: Final = "GET"

_FIRST: Final = "2.0"
_SPECIFIED: Final = {"websocket.accept": "2.1"}
"""Since which version of ASGI's HTTP and WebSocket specification a message has headers."""


class Handshake:
    """As with a request: trusted peers are continued, a stranger's ID is noted and their trace linked."""

    def __init__(self, scope: dict[str, Any], route: str) -> None:
        self.route = routetext.told(route)
        self.status: int | None = None
        """None until there is an answer."""
        self._started = perf_counter()
        settings = conf.settings()
        request = ASGIRequest({**scope, "method": METHOD}, BytesIO())
        meta = request.META
        self.path = path_of(request, route)
        self.client_ip = persons.client_of(meta, settings.trusted_peers)
        trusted = trust.is_in(meta.get("REMOTE_ADDR", ""), settings.trusted_peers)
        given = given_id(meta, settings.correlation_headers)
        self._span: traces.ServerSpan | None = None
        with guard("traces"):
            self._span = traces.begin(request, trusted) if traced() else None
        self.trace: TraceContext | None = self._span.trace if self._span else None
        self.client_correlation_id = None if trusted else given
        self.correlation_id = traces.request_id(given, self._span, self.trace, trusted=trusted)
        self.context: Context = self._span.context if self._span else get_current()

    def answered(self, status: int, failure: Failure | None = None) -> None:
        """Tells of it, and ends its span; only the first answer counts."""
        if self.status is not None:
            return
        self.status = status
        token = correlation.bind(self.correlation_id, self.context)
        try:
            with guard("channels"):
                report(WebSocketHandshake(self._exchange(status, failure)))
        finally:
            correlation.reset(token)
            with guard("traces"):
                if self._span is not None:
                    self._span.end()

    def _exchange(self, status: int, failure: Failure | None) -> Exchange:
        return Exchange(
            correlation_id=self.correlation_id,
            client_correlation_id=self.client_correlation_id,
            trace=self.trace,
            method=METHOD,
            path=self.path,
            route=self.route or UNMATCHED_ROUTE,
            matched=bool(self.route),
            status=status,
            seconds=perf_counter() - self._started,
            failure=failure,
        )


def echoed(message: dict[str, Any], identifier: str, scope: dict[str, Any]) -> dict[str, Any]:
    """`message`, the beginning of an answer, with the ID among its headers, unless it has one already.

    Where the server says that it takes them. A scope without `asgi` is a test's, which may compare headers.
    """
    asgi = scope.get("asgi")
    least = _SPECIFIED.get(message["type"], _FIRST)
    if asgi is None or asgi.get("spec_version", _FIRST) < least:
        return message
    header = conf.settings().correlation_header
    given = message.get("headers")
    headers = () if given is None else given
    if header is None or not _are_pairs(headers):
        return message
    name = header.lower().encode()
    if any(known.lower() == name for known, _ in headers):
        return message
    return {**message, "headers": [*headers, (name, identifier.encode())]}


def _are_pairs(headers: Any) -> bool:
    """Whether they can be read twice and are bytes: ASGI allows any iterable, and an application may err."""
    return isinstance(headers, (list, tuple)) and all(
        isinstance(pair, (list, tuple)) and list(map(type, pair)) == [bytes, bytes] for pair in headers
    )
