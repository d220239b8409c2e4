"""Counts and times database statements through Django's own hook, for every ENGINE, changing none.

Source: Django documentation, "Database instrumentation" (`connection.execute_wrappers`).
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from time import perf_counter
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from wrapt import wrap_function_wrapper

from django_observe import tally
from django_observe.records import NewConnection, Query
from django_observe.reporting import guard, report

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
        with guard("database"):
            if isinstance(error, connection.Database.Error):  # not yet Django's own
                failure = type(error).__name__
                report(NewConnection(alias=connection.alias, vendor=connection.vendor, failure=failure))
        raise


def _wrap(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if timed not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, timed)
    report(NewConnection(alias=connection.alias, vendor=connection.vendor))


def timed(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper: runs the statement, then tells the tally and the reporters how long it took."""
    started = perf_counter()
    failure: str | None = None
    try:
        return execute(sql, params, many, context)
    except BaseException as error:
        failure = type(error).__name__
        raise
    finally:
        with guard("database"):
            connection, work = context["connection"], tally.current()
            query = Query(
                alias=connection.alias,
                vendor=connection.vendor,
                seconds=max(perf_counter() - started, 0.0),
                many=many,
                rows=len(params) if many and isinstance(params, Sized) else 1,
                trace=work.trace if work is not None else None,
                failure=failure,
            )
            if work is not None:
                work.add_query(str(sql), query.seconds)
            report(query)
