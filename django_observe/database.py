"""Counts and times database statements through Django's own hook, for every ENGINE, changing none.

Source: Django documentation, "Database instrumentation" (`connection.execute_wrappers`).
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from wrapt import wrap_function_wrapper

from django_observe import metrics, reporting, tally
from django_observe.reporting import guard, report

if TYPE_CHECKING:
    from django_observe.records import Query

SPANS = "_django_observe_spans"
"""Attribute of a connection whose statements have spans that are made here: see `dbspans`."""

_guard = guard("database")
_installed = False


def install() -> None:
    """Wraps every connection that is open and every one that will be opened. May be called again.

    Ours goes first: `execute_wrapper()` blocks of a project take the last one off again.
    """
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(BaseDatabaseWrapper, "connect", _connecting)
    connection_created.connect(_wrap, dispatch_uid="django_observe.database", weak=False)
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and timed not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, timed)


def _connecting(
    wrapped: Callable[..., Any], connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Tells of a connection that failed, of which Django has no signal."""
    try:
        return wrapped(*args, **kwargs)
    except Exception as error:
        with _guard:
            if isinstance(error, connection.Database.Error):  # not yet Django's own
                _report_connection(connection, type(error).__name__)
        raise


def _wrap(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    with _guard:  # the connection may be a test's mock
        if timed not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, timed)
        _report_connection(connection)


def _report_connection(connection: BaseDatabaseWrapper, failure: str | None = None) -> None:
    from django_observe.records import NewConnection

    report(NewConnection(alias=connection.alias, vendor=connection.vendor, failure=failure))


@lru_cache(maxsize=1)
def _query() -> type[Query]:
    """Imported with the first; an import that is done takes 4k instructions."""
    from django_observe.records import Query

    return Query


def timed(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper: runs the statement, then tells the tally and the reporters how long it took."""
    connection, failure = context["connection"], None
    spans = connection.__dict__.get(SPANS)
    started = perf_counter()
    try:
        if spans is not None:
            return spans.run(execute, sql, params, many, context)
        return execute(sql, params, many, context)
    except BaseException as error:
        failure = type(error).__name__
        raise
    finally:
        try:
            seconds, work, trace = perf_counter() - started, tally.current(), None
            if seconds < 0.0:  # noqa: PLR1730 - max() takes 1k more
                seconds = 0.0
            if work is not None:
                trace = work.trace
                work.add_query(sql if type(sql) is str else str(sql), seconds)
            count = reporting.shortcuts.get(("Query", connection.alias, connection.vendor))
            if count is None or many or failure is not None:
                rows = len(params) if many and isinstance(params, Sized) else 1
                _report(connection, seconds=seconds, many=many, rows=rows, trace=trace, failure=failure)
            else:  # as it mostly is: saves 23k of 34k instructions
                count(seconds, trace, 1)
        except BaseException:
            with _guard:  # entered here alone: a guard around all that takes 2k instructions
                raise


def _report(connection: BaseDatabaseWrapper, **fields: Any) -> None:
    query = _query()
    report(query.of({"alias": connection.alias, "vendor": connection.vendor, **fields}))
    metrics.shorten(query, connection.alias, connection.vendor)
