"""A lost database: no statement gets through on an open connection, and no new one is made."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import OperationalError

from demo_services.faults.board import board

DATABASE = "database"


def install() -> None:
    """Hook into the backend of each database: where it connects, and where it executes."""
    for backend in {type(connection) for connection in connections.all()}:
        backend.get_new_connection = _refused(backend.get_new_connection)  # type: ignore[method-assign]
    connection_created.connect(_watch, dispatch_uid="demo_services.faults", weak=False)


def _refused(connect: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(connect)
    def connect_or_refuse(connection: Any, *args: Any) -> Any:
        if DATABASE in board().faults().dependency:
            # The driver's own error, so that Django translates it and counts it as it would.
            raise connection.Database.OperationalError("connection refused: is the server running?")
        return connect(connection, *args)

    return connect_or_refuse


def _watch(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if _cut not in connection.execute_wrappers:
        connection.execute_wrappers.append(_cut)


def _cut(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper, next to the driver: what times statements sees this one fail."""
    if DATABASE in board().faults().dependency:
        context["connection"].close_at = 0  # Django closes it with the request: the next one has to connect
        raise OperationalError("server closed the connection unexpectedly")
    return execute(sql, params, many, context)
