"""A place where our spans are not OpenTelemetry's: a function that turns upstream's spans of a row into ours.

Its docstring is the reason, as docs/reference/opentelemetry.md gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.differential.spans import Seen

Change = Callable[[str, list[Seen]], None]
"""Given the row, as `section: name`, and upstream's spans of it, which it changes in place."""


@dataclass(frozen=True)
class Deviation:
    """`at_the_wire`: only what a receiver is sent deviates, not what a processor in the process sees."""

    change: Change
    at_the_wire: bool = False

    def __str__(self) -> str:
        return self.change.__name__

    @property
    def reason(self) -> str:
        return " ".join((self.change.__doc__ or "").split())


DEVIATIONS: list[Deviation] = []
"""All that are listed; those at the wire apply last (see deviations.py)."""


def listed(change: Change) -> Change:
    DEVIATIONS.append(Deviation(change))
    return change


def listed_at_the_wire(change: Change) -> Change:
    DEVIATIONS.append(Deviation(change, at_the_wire=True))
    return change


def raised(kind: str, message: str) -> tuple[str, dict[str, str]]:
    told = {
        "exception.message": message,
        "exception.stacktrace": f"{kind}: {message}",
        "exception.type": kind,
    }
    return "exception", told
