"""What a client's or producer's span called, from its attributes: a database, a queue, an address.

https://opentelemetry.io/docs/specs/semconv/ with the names that older instrumentations still send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django_observe.console.values import first_text

CALL: Final = "call"
MESSAGING: Final = "messaging"
DATABASE: Final = "db"
UNANSWERED: Final = "unanswered"
"""A call that left no trace at its far end, of an address where a service answered the same caller before."""

_NAME_CHARS: Final = 200


class Peer(NamedTuple):
    """The far end of a call. `name` is empty when the span does not tell it."""

    name: str
    type: str


def peer_of(attrs: Mapping[str, Any], *, producer: bool) -> Peer:
    """A database or broker by system and name, anything else by its host and port."""
    database = first_text(attrs, "db.system.name", "db.system")
    if database:
        return _named(DATABASE, database, first_text(attrs, "db.namespace", "db.name"))
    queue = first_text(attrs, "messaging.destination.name", "messaging.destination")
    broker = first_text(attrs, "messaging.system")
    if producer or queue or broker:
        return _named(MESSAGING, broker, queue)
    return Peer(_address(attrs)[:_NAME_CHARS], CALL)


def _named(kind: str, *parts: str | None) -> Peer:
    return Peer(" ".join(part for part in parts if part)[:_NAME_CHARS], kind)


def _address(attrs: Mapping[str, Any]) -> str:
    host = first_text(attrs, "peer.service", "server.address", "net.peer.name", "net.peer.ip")
    if not host:
        url = first_text(attrs, "url.full", "http.url") or ""
        try:
            return urlsplit(url).netloc.rpartition("@")[2]
        except ValueError:
            return ""
    port = first_text(attrs, "server.port", "net.peer.port")
    return host if not port or "peer.service" in attrs else f"{host}:{port}"
