"""The addresses the console listens on; a port that is taken is named with its holder."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from contextlib import suppress
from typing import Final

from django_observe.console.listener import Listener
from django_observe.console.port_holder import describe_holder

_HIGH_PORT: Final = 50_000
_TRIES: Final = 10
_IPV4: Final = "127.0.0.1"
_IPV6: Final = "::1"


class StartError(Exception):
    """The console cannot start; the text says why and what to do."""


class _TakenError(StartError):
    """Somebody else listens on the port."""


def addresses(host: str, *, has_token: bool) -> tuple[str, ...]:
    """`host`, and ::1 beside 127.0.0.1 where there is IPv6: `localhost` may be either. Raises StartError."""
    try:
        address = ipaddress.ip_address(_IPV4 if host == "localhost" else host)
    except ValueError:
        raise StartError(f"--host {host}: an IP address is accepted, such as 127.0.0.1.") from None
    if not address.is_loopback and not has_token:
        raise StartError(
            f"--host {host}: without a token the console listens on the loopback only, because whoever "
            "reaches it reads everything. Add --token; or use 127.0.0.1 and forward the port by ssh -L."
        )
    return (_IPV4, _IPV6) if str(address) == _IPV4 and _has_ipv6() else (str(address),)


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((_IPV6, 0))
    except OSError:
        return False
    return True


def listen(hosts: tuple[str, ...], port: int, option: str, connections: int) -> list[Listener]:
    """A listener per address, all on one port, sharing a bound on connections. Raises StartError.

    Port 0 is any that is free; the system only knows which is at the first address.
    """
    slots = threading.BoundedSemaphore(connections)
    for _ in range(_TRIES - 1 if port == 0 else 0):
        with suppress(_TakenError):
            return _listening(hosts, port, option, slots)
    return _listening(hosts, port, option, slots)


def _listening(
    hosts: tuple[str, ...], port: int, option: str, slots: threading.BoundedSemaphore
) -> list[Listener]:
    listeners: list[Listener] = []
    for host in hosts:
        chosen = listeners[0].port if listeners else port
        try:
            listeners.append(Listener(host, chosen, slots))
        except OSError as fault:
            for each in listeners:
                each.server_close()
            raise _explained(fault, host, chosen, option) from fault
    return listeners


def _explained(fault: OSError, host: str, port: int, option: str) -> StartError:
    if fault.errno == errno.EADDRINUSE:
        return _TakenError(
            f"Port {port} on {host} is taken{describe_holder(host, port)}. "
            f"Stop that program, or choose another port with {_choice(option, port)}."
        )
    return StartError(f"Port {port} on {host} cannot be bound: {fault.strerror}. Choose another by {option}.")


def _choice(option: str, port: int) -> str:
    """The option, and what services are given, who must send there, too."""
    other = port + 10_000 if port < _HIGH_PORT else port - 10_000
    if option != "--otlp-port":
        return f"{option} {other}"
    return f"{option} {other} and give the services OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{other}"
