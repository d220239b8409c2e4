"""What is told of the people who use a service: nothing that identifies one, unless a setting says so."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address
from socket import inet_ntoa
from typing import TYPE_CHECKING, Any, Final

from django_observe import conf, trust
from django_observe.parsing import Networks, networks
from django_observe.propagation import meta_key
from django_observe.vocabulary import Header

if TYPE_CHECKING:
    from opentelemetry.trace import SpanKind

MAX_KEY: Final = 128
MAX_ADDRESS: Final = 64
HASH_DIGITS: Final = 16
IPV4_BITS: Final = 24
IPV6_BITS: Final = 48
"""Bits of an address that CLIENT_IP "network" tells; 48 are one site's (RFC 6177)."""

_IPV4: Final = 4
"""Version, and bytes of an address."""

_LOOPBACK: Final = networks(("127.0.0.0/8", "::1/128"))
_FORWARDED_FOR: Final = meta_key(Header.FORWARDED_FOR)
_LABEL: Final = b"django_observe.user_id"
_USERS: Final = frozenset({"enduser.id", "enduser.pseudo.id", "user.id", "user.hash"})
_OF_USERS: Final = frozenset(
    {"enduser.role", "enduser.scope", "user.name", "user.email", "user.full_name", "user.roles"}
)
_ADDRESSES: Final = frozenset({"client.address", "http.client_ip"})
_PORTS: Final = frozenset({"client.port"})
_PEERS: Final = frozenset({"network.peer.address", "net.peer.ip", "net.sock.peer.addr"})
_PEERS_PORTS: Final = frozenset({"network.peer.port", "net.peer.port", "net.sock.peer.port"})
_AGENTS: Final = frozenset({"user_agent.original", "http.user_agent"})
_OF_PEERS: Final = _PEERS | _PEERS_PORTS
PERSONAL: Final = _USERS | _OF_USERS | _ADDRESSES | _PORTS | _OF_PEERS | _AGENTS
"""Attributes by OpenTelemetry's conventions, present and past."""


def user_id(user: Any) -> str | None:
    """A user's primary key as USER_ID has it told; None of one without a key, such as AnonymousUser."""
    told = conf.known().user_id
    key = getattr(user, "pk", None) if told != "none" else None
    return None if key is None else told_key(str(key)[:MAX_KEY])


def told_key(key: str) -> str | None:
    """A user's key, or name, as USER_ID has it told."""
    told = conf.known().user_id
    return None if told == "none" else key if told == "id" else _hash_of(key, conf.secret_key())


def client_ip(address: str | None) -> str | None:
    """An address as CLIENT_IP has it told; of a network its first address, loopback whole.

    What is none, as a client may have it in X-Forwarded-For, is not told; nor is a zone.
    """
    told = conf.known().client_ip
    return _shown(address[:MAX_ADDRESS], told == "address") if address and told != "none" else None


def client_of(meta: Mapping[str, Any], trusted: Networks) -> str | None:
    """The address of a request's client, through trusted proxies, as CLIENT_IP has it told."""
    peer, forwarded_for = meta.get("REMOTE_ADDR", ""), meta.get(_FORWARDED_FOR, "")
    return client_ip(trust.client_address(peer, forwarded_for, trusted))


def client_port(port: int | None) -> int | None:
    """A client's port, which CLIENT_IP "address" alone has told."""
    return port if conf.known().client_ip == "address" else None


def user_agent(agent: str | None) -> str | None:
    """A User-Agent, if USER_AGENT has it told."""
    return agent if agent and conf.known().user_agent else None


def _is_servers(kind: SpanKind) -> bool:
    from opentelemetry.trace import SpanKind

    return kind is SpanKind.SERVER


def told(key: str, value: Any, kind: SpanKind) -> Any:
    """An attribute of a span as the settings have people told, whoever set it; None if it is not told at all.

    The peer of a server's span is its client; of any other it is a server.
    """
    if key not in PERSONAL or (key in _OF_PEERS and not _is_servers(kind)):
        return value
    if key in _USERS:
        return told_key(str(value)[:MAX_KEY])
    if key in _OF_USERS:
        return value if conf.known().user_id == "id" else None
    if key in _AGENTS:
        return user_agent(value)
    return client_port(value) if key in _PORTS or key in _PEERS_PORTS else client_ip(str(value))


def _hash_of(key: str, secret: str) -> str | None:
    """The first 64 bits of an HMAC (RFC 2104); None without a SECRET_KEY: anybody could undo the hash."""
    if not secret:
        return None
    return hmac.digest(_derived(secret), key.encode("utf-8", "replace"), "sha256").hex()[:HASH_DIGITS]


@lru_cache(maxsize=2)
def _derived(secret: str) -> bytes:
    """A key for this purpose alone."""
    return hmac.digest(secret.encode("utf-8", "replace"), _LABEL, "sha256")


@lru_cache(maxsize=4_096)
def _shown(address: str, whole: bool) -> str | None:
    known = trust.parsed(address)
    if known is None:
        return None
    if whole or _LOOPBACK.hold(known):
        return str(known)
    # by a network's own address: 30k instructions more for each that is not remembered
    rest = known.max_prefixlen - (IPV4_BITS if known.version == _IPV4 else IPV6_BITS)
    first = int(known) >> rest << rest
    return inet_ntoa(first.to_bytes(_IPV4, "big")) if known.version == _IPV4 else str(IPv6Address(first))
