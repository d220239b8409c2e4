"""The switches there are, what each accepts, and the faults that a set of them makes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_SECONDS = 60.0
BAD = "bad"
DEPENDENCIES = ("database", "auth", "payment", "broker")

Values = dict[str, Any]
"""Switches that are on, as JSON holds them; one that is off is not there."""


class SwitchError(ValueError):
    """Switches that cannot be set; the text has key, value and what is accepted for each of them."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is to go wrong just now: shares from 0 to 1, delays in seconds."""

    errors: float = 0.0
    latency: float = 0.0
    dependency: frozenset[str] = frozenset()
    poison: float = 0.0
    task_latency: float = 0.0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """One key: how its value is read (ValueError when it cannot be), and what that accepts, in words."""

    accepted: str
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of one service: every service has errors, latency and dependency."""

    dependencies: Collection[str] = ("database",)
    tasks: bool = False
    versions: bool = False

    def by_key(self) -> dict[str, Switch]:
        """All of them, by their keys."""
        share = Switch("a share from 0 to 1", lambda value: _number(value, 1.0))
        seconds = Switch(
            f"seconds from 0 to {LONGEST_SECONDS:.0f}", lambda value: _number(value, LONGEST_SECONDS)
        )
        several = ", several with commas" if len(self.dependencies) > 1 else ""
        named = f"{' or '.join(self.dependencies)}{several}; or nothing"
        switches = {"errors": share, "latency": seconds, "dependency": Switch(named, self._dependencies)}
        if self.tasks:
            switches |= {"poison": share, "task_latency": seconds}
        if self.versions:
            switches["version"] = Switch(f"{BAD}, or nothing", _version)
        return switches

    def accepted(self) -> dict[str, str]:
        """What each key accepts, in words."""
        return {key: switch.accepted for key, switch in self.by_key().items()}

    def parse(self, given: Mapping[str, Any]) -> Values:
        """The values as they are kept, off ones as 0, [] or ""; SwitchError with every fault at once."""
        values, faults, switches = {}, [], self.by_key()
        for key, value in given.items():
            if key not in switches:
                faults.append(
                    f"{key} ({value!r}) is no switch of this service; there are {', '.join(switches)}."
                )
                continue
            try:
                values[key] = switches[key].parse(value)
            except (TypeError, ValueError):
                faults.append(f"{key} is {value!r}; accepted is {switches[key].accepted}.")
        if faults:
            raise SwitchError(" ".join(faults))
        return values

    def _dependencies(self, value: Any) -> list[str]:
        names = value.split(",") if isinstance(value, str) else value
        wanted = sorted({str(name).strip() for name in names} - {""})
        if not set(wanted) <= set(self.dependencies):
            raise ValueError(wanted)
        return wanted


def assignments(text: str) -> dict[str, str]:
    """`errors=0.3,dependency=database,auth` as a mapping: a word without = belongs to the key before it."""
    found: dict[str, str] = {}
    key = ""
    for word in text.split(","):
        name, separator, value = word.strip().partition("=")
        if separator:
            key, found[name] = name, value
        elif key:
            found[key] += f",{name}"
        elif name:
            raise SwitchError(f"{name!r} is no switch; write key=value, as in errors=0.3,latency=2.")
    return found


def faults(values: Values) -> Faults:
    """The faults that these switches make."""
    return Faults(**{**values, "dependency": frozenset(values.get("dependency", ()))})


def _number(value: Any, highest: float) -> float:
    number = float(value)
    if isinstance(value, bool) or not 0 <= number <= highest:
        raise ValueError(value)
    return number


def _version(value: Any) -> str:
    if value not in ("", BAD):
        raise ValueError(value)
    return str(value)
