"""Who is believed (peers) and who is told (hosts): the one place where trust is decided."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django_observe.parsing import Networks

_MAX_FORWARDED = 10


@lru_cache(maxsize=4096)
def is_in(address: str, networks: Networks) -> bool:
    """Whether `address` lies in one of `networks`. A Unix socket's peer (no address) counts as loopback."""
    if not address:
        return True
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


@lru_cache(maxsize=4096)
def may_be_told(host: str, patterns: tuple[str, ...], private: Networks) -> bool:
    """Whether a request to `host` may carry the correlation ID and the trace."""
    name = host.lower().strip("[]").rstrip(".")
    address = _parsed(name)
    return any(_matches(name, address, pattern, private) for pattern in patterns)


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str | None:
    """The client's address: the peer, or behind trusted proxies the nearest untrusted hop they name."""
    if not forwarded_for or not is_in(peer, trusted):
        return peer or None
    hops = [hop.strip() for hop in forwarded_for[-512:].split(",")][-_MAX_FORWARDED:]
    valid = [hop for hop in hops if _parsed(hop) is not None]
    untrusted = [hop for hop in valid if not is_in(hop, trusted)]
    return (untrusted[-1] if untrusted else valid[0] if valid else peer) or None


def _matches(name: str, address: IPv4Address | IPv6Address | None, pattern: str, private: Networks) -> bool:
    if pattern == "<private>":
        return name == "localhost" or (address is not None and any(address in network for network in private))
    if pattern == "<single-label>":
        return address is None and "." not in name and ":" not in name
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
