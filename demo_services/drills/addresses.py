"""Where the parts of a drill listen, all on 127.0.0.1."""

from dataclasses import dataclass, fields

from demo_services.ports import HOST, free_port


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


def free_addresses() -> Addresses:
    """Such ports for the monitoring."""
    return Addresses(*[free_port() for _ in fields(Addresses)])
