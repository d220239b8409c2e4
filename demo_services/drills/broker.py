"""The demo as drills run it: with Redis as its broker where there is one, and with long queues of telemetry.

The native demo's queue in files needs nothing installed, but now and then its worker reads a file that is
half written, and dies: a real alert, which no drill has asked for. And how many spans are lost while nothing
takes them would depend on how long a drill lasts: here none is.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from demo_services.plan import Plan
from demo_services.ports import HOST, Ports, free_port
from demo_services.programs import Program

REDIS = "redis-server"
LONG_QUEUES = {"OTEL_BSP_MAX_QUEUE_SIZE": "100000", "OTEL_BLRP_MAX_QUEUE_SIZE": "100000"}


@dataclass(frozen=True)
class DrillPlan(Plan):
    """The plan of the demo; without a port for Redis, the queue is in files."""

    redis_port: int | None

    def first(self) -> list[Program]:
        """The broker before all that needs it."""
        return [*([self.broker(self.redis_port)] if self.redis_port else []), *super().first()]

    def broker(self, port: int) -> Program:
        """A Redis server that saves nothing."""
        argv = [REDIS, "--port", str(port), "--bind", HOST, "--save", ""]
        return Program(
            "broker", argv, self.state, self._environment(), lambda log: "ready to accept" in log.lower()
        )

    def _environment(self) -> dict[str, str]:
        broker = {"CELERY_BROKER_URL": f"redis://{HOST}:{self.redis_port}/0"} if self.redis_port else {}
        return {**super()._environment(), **LONG_QUEUES, **broker}


def plan(state: Path) -> Plan:
    """The demo on free ports."""
    return DrillPlan(Ports.free(), state, free_port() if shutil.which(REDIS) else None)
