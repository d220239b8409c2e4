"""What one unit of work (a request, a task) has done to the database and to other services so far."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar, Token

from django_observe.records import CallStats, QueryStats, TraceContext

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
        self._statements: Counter[str] = Counter()

    def add_query(self, statement: str, seconds: float) -> None:
        """Counts one statement; its text without parameters tells repetitions."""
        self.query_count += 1
        self.query_seconds += seconds
        if statement in self._statements or len(self._statements) < MAX_STATEMENTS:
            self._statements[statement] += 1

    def add_call(self, seconds: float) -> None:
        """Counts one outbound HTTP request."""
        self.call_count += 1
        self.call_seconds += seconds

    def queries(self) -> QueryStats:
        """The database work so far."""
        if not self.query_count:
            return _NO_QUERIES
        return QueryStats(self.query_count, max(self.query_seconds, 0.0), max(self._statements.values()))

    def calls(self) -> CallStats:
        """The outbound calls so far."""
        if not self.call_count:
            return _NO_CALLS
        return CallStats(self.call_count, max(self.call_seconds, 0.0))


_NO_QUERIES = QueryStats()
_NO_CALLS = CallStats()
_current: ContextVar[Tally | None] = ContextVar("django_observe_tally", default=None)


def current() -> Tally | None:
    """The tally of the unit of work that is running, if one is."""
    return _current.get()


def bind(tally: Tally | None) -> Token[Tally | None]:
    """Makes `tally` the current one; keep the token for `reset`."""
    return _current.set(tally)


def reset(token: Token[Tally | None]) -> None:
    """Gives the context back the tally it had before `bind`."""
    _current.reset(token)
