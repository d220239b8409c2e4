"""Where the parts that only a drill has listen, all on 127.0.0.1."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields

from demo_services.ports import HOST


@dataclass(frozen=True, slots=True)
class Addresses:
    """A port for each part of the monitoring."""

    prometheus: int
    alertmanager: int
    webhook: int

    @classmethod
    def free(cls) -> "Addresses":
        """Ports that nobody listens on just now."""
        with ExitStack() as stack:
            probes = [stack.enter_context(socket.socket()) for _ in fields(cls)]
            for probe in probes:
                probe.bind((HOST, 0))
            return cls(*[probe.getsockname()[1] for probe in probes])

    def at(self, name: str) -> str:
        """`host:port` of the part of this name."""
        return f"{HOST}:{getattr(self, name)}"

    def url(self, name: str) -> str:
        """Where it is reached by HTTP."""
        return f"http://{self.at(name)}"


def free_port() -> int:
    """One more port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
