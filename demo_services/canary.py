"""The bad version of orders, which comes and goes with the switch `version`."""

import os
from contextlib import suppress

from demo_services.faults.switches import BAD, assignments
from demo_services.faults.switchfile import Switchfile
from demo_services.plan import Plan
from demo_services.programs import Crew


class Canary:
    """Starts and ends the second instance of orders as the switches of the first one say."""

    def __init__(self, plan: Plan, crew: Crew) -> None:
        folder = plan.state / "faults"
        self._program = plan.canary()
        self._url = plan.ports.url("canary")
        self._crew = crew
        self._switches = Switchfile(folder, "orders")
        self._own_switches = Switchfile(folder, self._program.name)
        self._runs = False

    def follow(self) -> str:
        """Do as the switch says now; what was done, in words, or nothing."""
        wanted = self._wanted()
        if wanted == self._runs:
            return ""
        self._runs = wanted
        if wanted:
            self._own_switches.path.unlink(missing_ok=True)
            self._crew.start(self._program)
            return f"{self._program.name} is started at {self._url}: the bad version, for half of the orders"
        with suppress(KeyError):  # it may have ended by itself
            self._crew.end(self._program.name)
        return f"{self._program.name} has ended"

    def _wanted(self) -> bool:
        values = self._switches.read()
        if values is None:
            values = assignments(os.environ.get("DEMO_FAULTS_ORDERS", ""))
        return values.get("version") == BAD
