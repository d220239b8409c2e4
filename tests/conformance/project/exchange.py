"""What the project notes of a request outside of any middleware: its statements, its session, its ends."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.core.signals import request_finished, request_started
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from tests.conformance.project.witness import witness

WATCHED = ("/django/signals/", "/django/rest/")


@dataclass
class Exchange:
    """One request, from Django's first signal to its last."""

    key: str
    statements: list[str] = field(default_factory=list)
    session: Any = None
    """Given by the view, and asked when all is over whether anything has read it."""


current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def begin(path: str, key: str | None) -> None:
    """Called by the application's wrapper: a signal's receiver could set nothing for others under ASGI."""
    current.set(Exchange(key) if key and path.startswith(WATCHED) else None)


@receiver(request_started)
def on_start(**_: Any) -> None:
    """Comes before any middleware."""
    exchange = current.get()
    if exchange is not None:
        witness(exchange.key, "request_started")


@receiver(request_finished)
def on_finish(**_: Any) -> None:
    """Comes when the server has closed the answer."""
    exchange = current.get()
    if exchange is not None:
        accessed = getattr(exchange.session, "accessed", None)
        witness(exchange.key, "request_finished", statements=exchange.statements, accessed=accessed)


@receiver(connection_created)
def on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Statements are counted by the project itself, so that nobody's own count is believed."""
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    exchange = current.get()
    if exchange is not None:
        exchange.statements.append(sql)
    return execute(sql, params, many, context)
