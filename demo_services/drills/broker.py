"""The demo with Redis as its broker, where there is one.

The native demo's queue in files needs nothing installed, but now and then its worker reads a file that is
half written, and dies: a real alert, which no drill has asked for.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from demo_services.drills.addresses import free_demo_ports, free_ports
from demo_services.plan import Plan
from demo_services.ports import HOST
from demo_services.programs import Program

REDIS = "redis-server"


@dataclass(frozen=True)
class PlanWithRedis(Plan):
    """The plan of the demo, and a Redis that saves nothing."""

    redis_port: int

    def first(self) -> list[Program]:
        """The broker before all that needs it."""
        return [self.broker(), *super().first()]

    def broker(self) -> Program:
        """The Redis server."""
        argv = [REDIS, "--port", str(self.redis_port), "--bind", HOST, "--save", ""]
        return Program(
            "broker", argv, self.state, self._environment(), lambda log: "ready to accept" in log.lower()
        )

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "CELERY_BROKER_URL": f"redis://{HOST}:{self.redis_port}/0"}


def plan(state: Path) -> Plan:
    """The demo on free ports: with Redis if it is installed, else with the queue in files."""
    if shutil.which(REDIS):
        return PlanWithRedis(free_demo_ports(), state, next(free_ports()))
    return Plan(free_demo_ports(), state)
