"""Who is believed (peers) and who is told (hosts): the one place where trust is decided."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, inet_pton

from django_observe.parsing import Networks

_MAX_FORWARDED = 10
_MAX_HEADER = 512
_LONGEST = 64
_LONGEST_HOST = 255
"""Characters that are looked at; no address has as many."""


@lru_cache(maxsize=4096)
def is_in(address: str, networks: Networks) -> bool:
    """Whether `address` lies in one of `networks`. A Unix socket's peer, which has none, is in any."""
    if not address:
        return True
    known = parsed(address)
    return known is not None and networks.hold(known)


def may_be_told(host: str, patterns: tuple[str, ...], private: Networks) -> bool:
    """Whether a request to `host` may carry the correlation ID and the trace."""
    told = _may_be_told if len(host) <= _LONGEST_HOST else _may_be_told.__wrapped__  # that is not remembered
    return told(host, patterns, private)


@lru_cache(maxsize=4096)
def _may_be_told(host: str, patterns: tuple[str, ...], private: Networks) -> bool:
    name = host.lower().strip("[]").rstrip(".")
    address = parsed(name)
    return any(_matches(name, address, pattern, private) for pattern in patterns)


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str | None:
    """The client's address: the peer, or behind trusted proxies the nearest untrusted hop they name."""
    if not forwarded_for or not isinstance(forwarded_for, str):  # a test's client takes any value
        return peer or None
    return _nearest(peer, forwarded_for[-_MAX_HEADER:], trusted)


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """`address` without its zone, which may be any text (RFC 4007); as IPv4 where it is one in IPv6."""
    return _parsed(address.partition("%")[0][:_LONGEST])


@lru_cache(maxsize=4096)
def _nearest(peer: str, forwarded_for: str, trusted: Networks) -> str | None:
    if not is_in(peer, trusted):
        return peer or None
    hops = [hop.strip() for hop in forwarded_for.split(",")][-_MAX_FORWARDED:]
    valid = [hop for hop in hops if parsed(hop) is not None]
    untrusted = [hop for hop in valid if not is_in(hop, trusted)]
    return (untrusted[-1] if untrusted else valid[0] if valid else peer) or None


def _matches(name: str, address: IPv4Address | IPv6Address | None, pattern: str, private: Networks) -> bool:
    if pattern == "<private>":
        return name == "localhost" or (address is not None and private.hold(address))
    if pattern == "<single-label>":
        return address is None and "." not in name and ":" not in name
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        if ":" not in address:
            return IPv4Address(inet_pton(AF_INET, address))  # `ip_address` takes 20k instructions more
        known = IPv6Address(address)
    except (OSError, ValueError):
        return None
    return known.ipv4_mapped or known
