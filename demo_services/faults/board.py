"""The switchboard of this process's service: what is switched on, and whether switching is allowed at all."""

import os
from functools import lru_cache
from typing import Any

from django.conf import settings

from demo_services.faults.switches import Faults, Switches, Values, assignments, faults
from demo_services.faults.switchfile import Switchfile

NO_FAULTS = Faults()
REFUSAL = (
    "Faults are not allowed here, because DEBUG is off. "
    "Where breaking this service is wanted, start it with DEMO_FAULTS_ALLOWED=1."
)


class NotAllowedError(Exception):
    """This copy of the service is not to be broken; the text says how it would be."""


class Board:
    """What settings.FAULTS says of the service, its switch file, and DEMO_FAULTS for the time before one."""

    def __init__(self, instance: str, dependencies: tuple[str, ...], *, tasks: bool) -> None:
        self.instance = instance
        self.allowed = settings.DEBUG or os.environ.get("DEMO_FAULTS_ALLOWED") == "1"
        watched = os.environ.get("DEMO_CANARY") == "1"
        self.switches = Switches(dependencies, tasks, versions=watched)
        self._file = Switchfile(settings.DEMO_STATE / "faults", instance)
        self._start = self._from_environment()
        self._known: tuple[Values | None, Faults] = (None, faults(self._start))

    def values(self) -> Values:
        """The switches that are on."""
        if not self.allowed:
            return {}
        values = self._file.read()
        return self._start if values is None else values

    def faults(self) -> Faults:
        """What is to go wrong just now."""
        if not self.allowed:
            return NO_FAULTS
        values = self.values()
        if values is not self._known[0]:
            self._known = (values, faults(values))
        return self._known[1]

    def switch(self, given: dict[str, Any]) -> None:
        """Set these switches and leave the others; SwitchError or NotAllowedError change nothing."""
        self._write({**self.values(), **self.switches.parse(given)})

    def clear(self) -> None:
        """Switch everything off, also what DEMO_FAULTS switched on; NotAllowedError changes nothing."""
        self._write({})

    def _write(self, values: Values) -> None:
        if not self.allowed:
            raise NotAllowedError(REFUSAL)
        self._file.write(values)

    def _from_environment(self) -> Values:
        given = os.environ.get("DEMO_FAULTS", "")
        if given and not self.allowed:
            raise NotAllowedError(f"DEMO_FAULTS is {given!r}. {REFUSAL}")
        values = self.switches.parse(assignments(given))
        return {key: value for key, value in values.items() if value}


@lru_cache(maxsize=1)
def board() -> Board:
    """The one of this process."""
    return Board(**settings.FAULTS)
