"""What one unit of work (a request, a task) has done to the database and to other services so far."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_observe.stats import CallStats, QueryStats
    from django_observe.tracecontext import TraceContext

MAX_STATEMENTS = 1_000
"""Distinct statements that are told apart in one unit of work; a bound on memory."""


class Tally:
    """Counts queries and calls. Shared by everything that runs in one request's or task's context."""

    __slots__ = ("_statements", "call_count", "call_seconds", "query_count", "query_seconds", "trace")

    def __init__(self) -> None:
        self.trace: TraceContext | None = None
        self.query_count = 0
        self.query_seconds = 0.0
        self.call_count = 0
        self.call_seconds = 0.0
        self._statements: dict[str, int] = {}

    def add_query(self, statement: str, seconds: float) -> None:
        """Counts one statement; its text without parameters tells repetitions."""
        self.query_count += 1
        self.query_seconds += seconds
        statements = self._statements
        if statement in statements:
            statements[statement] += 1
        elif len(statements) < MAX_STATEMENTS:
            statements[statement] = 1

    def add_call(self, seconds: float) -> None:
        """Counts one outbound HTTP request."""
        self.call_count += 1
        self.call_seconds += seconds

    def queries(self) -> QueryStats:
        """The database work so far."""
        made: QueryStats = _stats().NO_QUERIES
        if self.query_count:
            repeat = max(self._statements.values())
            made = _stats().QueryStats(self.query_count, max(self.query_seconds, 0.0), repeat)
        return made

    def calls(self) -> CallStats:
        """The outbound calls so far."""
        made: CallStats = _stats().NO_CALLS
        if self.call_count:
            made = _stats().CallStats(self.call_count, max(self.call_seconds, 0.0))
        return made


@lru_cache(maxsize=1)
def _stats() -> ModuleType:
    """Imported when the first work is over; an import that is done takes 4k instructions."""
    from django_observe import stats

    return stats


_current: ContextVar[Tally | None] = ContextVar("django_observe_tally", default=None)


current: Callable[[], Tally | None] = _current.get
"""The tally of the unit of work that is running, if one is. The variable's own method: it is asked often."""


def bind(tally: Tally | None) -> Token[Tally | None]:
    """Makes `tally` the current one; keep the token for `reset`."""
    return _current.set(tally)


def reset(token: Token[Tally | None]) -> None:
    """Gives the context back the tally it had before `bind`."""
    _current.reset(token)
