"""Which condition on attributes finds the calls to a database, queue or host: conventions differ in names."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import orjson

from django_observe.console.peers import CALL, DATABASE, MESSAGING, Peer, peer_of
from django_observe.console.values import first_text
from django_observe.console.window import Window

_PRODUCER: Final = 4
_CALLS: Final = """SELECT service, kind, attrs FROM
  (SELECT * FROM span WHERE listed_ns>=? AND listed_ns<? ORDER BY listed_ns DESC LIMIT 5000)
  WHERE kind IN (3, 4)"""
_KEYS: Final = {
    DATABASE: ("db.namespace", "db.name", "db.system.name", "db.system"),
    MESSAGING: ("messaging.destination.name", "messaging.destination", "messaging.system"),
    CALL: ("peer.service", "server.address", "net.peer.name", "net.peer.ip"),
}
_ADDRESSES: Final = ("url.full", "http.url")


def conditions(connection: sqlite3.Connection, at: Window) -> dict[tuple[str, str], str]:
    """By caller and name of what it called, as the newest spans tell it: `server.address=pay.example`."""
    found: dict[tuple[str, str], str] = {}
    for service, kind, attrs in connection.execute(_CALLS, at.bounds):
        told = orjson.loads(attrs)
        peer = peer_of(told, producer=kind == _PRODUCER)
        if (service, peer.name) not in found:
            found[service, peer.name] = _condition(told, peer)
    return found


def _condition(attrs: Mapping[str, Any], peer: Peer) -> str:
    for key in _KEYS[peer.type]:
        value = first_text(attrs, key)
        if value:
            return f"{key}={value}"
    return next((f"{key}~{peer.name}" for key in _ADDRESSES if key in attrs), "")
