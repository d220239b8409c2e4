"""Database metrics in django-prometheus' families, for connections whose ENGINE is not its own."""

from __future__ import annotations

import sys

from django.db import connections
from django_prometheus.db import metrics

from django_observe.collectors import Family
from django_observe.databasemetricset import (
    DB_ERRORS,
    DB_EXECUTE,
    DB_EXECUTE_MANY,
    DB_NEW_CONNECTION_ERRORS,
    DB_NEW_CONNECTIONS,
    DB_QUERY_DURATION,
)
from django_observe.directcounters import CountStatement, statement_counter
from django_observe.records import NewConnection, Query


class DatabaseMetrics:
    """Counts statements and connections."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, str], CountStatement | None] = {}
        self._execute = Family(DB_EXECUTE, metrics.execute_total)
        self._execute_many = Family(DB_EXECUTE_MANY, metrics.execute_many_total)
        self._errors = Family(DB_ERRORS, metrics.errors_total)
        self._duration = Family(DB_QUERY_DURATION, metrics.query_duration_seconds)
        self._connection_errors = Family(DB_NEW_CONNECTION_ERRORS, metrics.connection_errors_total)
        self._new_connections = Family(DB_NEW_CONNECTIONS, metrics.connections_total)

    def query(self, query: Query) -> None:
        """Counts and times one statement, and what is particular about it."""
        database = (query.alias, query.vendor)
        count = self.counter(*database)
        if count is None:
            return
        count(query.seconds, query.trace, query.rows)
        if query.many:
            self._execute_many.child(*database).inc(query.rows)
        if query.failure is not None:
            self._errors.child(*database, query.failure).inc()

    def counter(self, alias: str, vendor: str) -> CountStatement | None:
        """What counts and times one statement, lock included; None where the ENGINE does so itself."""
        try:
            return self._bound[alias, vendor]
        except KeyError:
            return self._bind(alias, vendor)

    def connected(self, connection: NewConnection) -> None:
        """Counts one connection, or one that failed."""
        if not _counts_itself(connection.alias):
            database = (connection.alias, connection.vendor)
            opened, failed = self._new_connections.child(*database), self._connection_errors.child(*database)
            (opened if connection.failure is None else failed).inc()

    def _bind(self, alias: str, vendor: str) -> CountStatement | None:
        bound = None
        if not _counts_itself(alias):
            self._execute_many.child(alias, vendor)  # there, as 0, from the first statement on
            bound = statement_counter(self._execute.child(alias, vendor), self._duration.child(alias, vendor))
        self._bound[(alias, vendor)] = bound
        return bound


def _counts_itself(alias: str) -> bool:
    """Whether the connection's ENGINE is django-prometheus', which counts into the same families."""
    common = sys.modules.get("django_prometheus.db.common")
    return common is not None and isinstance(connections[alias], common.DatabaseWrapperMixin)
