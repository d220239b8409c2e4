"""Where the parts of a drill listen, all on 127.0.0.1."""

import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, fields

from demo_services.ports import HOST, Ports

RANGE = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections: a port must stay free while its service is dead."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """A port for each part of the monitoring."""

    prometheus: int
    alertmanager: int
    webhook: int

    def at(self, name: str) -> str:
        """`host:port` of the part of this name."""
        return f"{HOST}:{getattr(self, name)}"

    def url(self, name: str) -> str:
        """Where it is reached by HTTP."""
        return f"http://{self.at(name)}"


def _free_ports() -> Iterator[int]:
    """Ports that nobody listens on when they are drawn, in no order; each once."""
    for port in random.sample(RANGE, len(RANGE)):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) != 0:
                yield port


_FREE = _free_ports()
"""The one source: some of them are listened on only later, and must not be drawn again until then."""


def free_port() -> int:
    """A port that nobody listens on just now, and that this process has not drawn before."""
    return next(_FREE)


def free_addresses() -> Addresses:
    """Such ports for the monitoring."""
    return Addresses(*[free_port() for _ in fields(Addresses)])


def free_demo_ports() -> Ports:
    """Such ports for the demo."""
    return Ports(*[free_port() for _ in fields(Ports)])
