"""What records of many kinds have in common: the statistics of their work, their failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that decided an outcome; `privacy.failure_of` makes one, scrubbed and capped."""

    type: str
    message: str
    stack: str


@dataclass(frozen=True, slots=True)
class QueryStats:
    """Database work of one unit of work."""

    count: int = 0
    seconds: float = 0.0
    repeat: int = 0
    """How often the most repeated statement ran: an N+1 sign."""

    def __add__(self, other: QueryStats) -> QueryStats:
        """The work of two units together; a statement repeats within one."""
        repeat = max(self.repeat, other.repeat)
        return QueryStats(self.count + other.count, self.seconds + other.seconds, repeat)


@dataclass(frozen=True, slots=True)
class CallStats:
    """Outbound HTTP calls of one unit of work."""

    count: int = 0
    seconds: float = 0.0

    def __add__(self, other: CallStats) -> CallStats:
        """The calls of two units together."""
        return CallStats(self.count + other.count, self.seconds + other.seconds)


NO_QUERIES: Final = QueryStats()
NO_CALLS: Final = CallStats()
