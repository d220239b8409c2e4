"""The ports of the demo, all on 127.0.0.1."""

import random
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

HOST = "127.0.0.1"
HIGHEST = 65535
RANGE = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections: a port must stay free until its service has it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """A port for each thing that listens; the defaults are the ones the documentation names."""

    console: int = 8088
    otlp: int = 4318
    auth: int = 8001
    orders: int = 8002
    notifications: int = 8003
    payment: int = 8004
    smtp: int = 8025
    mail: int = 8026
    worker_metrics: int = 9808
    canary: int = 8005

    @classmethod
    def moved(cls, offset: int) -> "Ports":
        """The usual ports, all moved by the same offset; ValueError when one would be no port."""
        ports = {
            field.name: field.default + offset for field in fields(cls) if isinstance(field.default, int)
        }
        if min(ports.values()) < 1 or max(ports.values()) > HIGHEST:
            raise ValueError(f"moves a port out of 1 to {HIGHEST}")
        return cls(**ports)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on just now."""
        return cls(*[free_port() for _ in fields(cls)])

    def taken(self) -> dict[str, int]:
        """Those that somebody already listens on, by what they are for."""
        return {name: port for name, port in asdict(self).items() if not _can_listen(port)}

    def url(self, name: str) -> str:
        """Where the thing of this name is reached by HTTP."""
        return f"http://{HOST}:{getattr(self, name)}"


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
        return True


def _free_ports() -> Iterator[int]:
    """Ports that nobody listens on when they are drawn, in no order; each once."""
    for port in random.sample(RANGE, len(RANGE)):
        if _can_listen(port):
            yield port


_FREE = _free_ports()
"""The one source: some of them are listened on only later, and must not be drawn again until then."""


def free_port() -> int:
    """A port that nobody listens on just now, and that this process has not drawn before."""
    return next(_FREE)
