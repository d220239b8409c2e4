"""Spans of the statements that Django runs, equal to those of OpenTelemetry's DB-API instrumentations.

Those put a proxy before each connection and cursor. Here a connection is taken out of its proxy, and
`database.timed` makes the span with the proxy's own tracer and attributes: saves 90k of the 579k instructions
that a statement and its span took.
"""

# ruff: noqa: SLF001 - what a proxy knows of its connection is not public, and the versions are pinned

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeAlias

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from opentelemetry.context import Context, attach, get_current
from opentelemetry.instrumentation._semconv import _set_db_name, _set_db_statement, _set_db_system
from opentelemetry.instrumentation.dbapi import CursorTracer, TracedConnectionProxy
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from wrapt import wrap_function_wrapper

from django_observe.database import SPANS
from django_observe.reporting import guard

Execute: TypeAlias = Callable[..., Any]

_PSYCOPG = "opentelemetry.instrumentation.psycopg"
_LEADING_COMMENT = re.compile(r"^/\*.*?\*/")
_guard = guard("dbspans")
_installed = False
_switched_on: set[str] = set()
"""The instrumentations that were switched on here: another's spans are another's affair."""


def install(instrumentation: str) -> None:
    """Makes the spans of connections which that instrumentation (its module) traces from now on."""
    global _installed
    _switched_on.add(instrumentation)
    if not _installed:
        _installed = True
        connection_created.connect(take_over, dispatch_uid="django_observe.dbspans", weak=False)
        wrap_function_wrapper(CursorWrapper, "callproc", _callproc)
        wrap_function_wrapper(BaseDatabaseWrapper, "close", _closing)


def take_over(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Receiver of `connection_created`; what the connection has run until then had spans of the proxy."""
    made = None
    with _guard:
        made = _taken(connection)
    setattr(connection, SPANS, made)


def _taken(connection: BaseDatabaseWrapper) -> Statements | None:
    """None leaves the connection to whoever traces it, or to nobody. A pool's are not Django's alone."""
    raw: Any = connection.connection
    if connection.settings_dict["OPTIONS"].get("pool"):
        return None
    if isinstance(raw, TracedConnectionProxy):
        integration: Any = raw._self_db_api_integration
        if not _is_ours(integration):
            return None
        made = Statements(CursorTracer(integration), raw.__wrapped__)
        connection.connection = raw.__wrapped__
        return made
    factory: Any = getattr(raw, "cursor_factory", None)
    if getattr(factory, "__module__", None) != _PSYCOPG:
        return None
    reader = _reader_of(factory.execute)
    if not _is_ours(reader._db_api_integration):
        return None
    made = Statements(reader, raw)
    raw.cursor_factory = factory.__base__
    return made


def _reader_of(execute: Any) -> Any:
    """That of a cursor class which the psycopg instrumentation made: its methods close over it."""
    closed_over = dict(zip(execute.__code__.co_freevars, execute.__closure__, strict=True))
    return closed_over["_cursor_tracer"].cell_contents


def _is_ours(integration: Any) -> bool:
    asks_for_more = integration.enable_commenter or integration.capture_parameters
    return integration._name in _switched_on and not asks_for_more


class Statements:
    """Makes the spans of one connection's statements, with the scope, names and attributes of the proxy."""

    __slots__ = ("_attributes", "_integration", "_otherwise", "_raw", "_reader", "_start", "_text")

    def __init__(self, reader: Any, raw: Any) -> None:
        integration = reader._db_api_integration
        conventions = integration._sem_conv_opt_in_mode_db
        self._raw, self._reader, self._integration = raw, reader, integration
        self._start = integration._tracer.start_span
        self._otherwise: str = integration.database or integration.name
        self._attributes: dict[str, Any] = {}
        _set_db_system(self._attributes, integration.database_system, conventions)
        _set_db_name(self._attributes, integration.database, conventions)
        self._attributes |= integration.span_attributes
        text: dict[str, Any] = {}
        _set_db_statement(text, "", conventions)
        self._text = tuple(text)
        """The attributes that hold the statement: of the old or the stable conventions, or of both."""

    def run(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Execute wrapper: runs the statement in its span, which tells the driver's error, not Django's."""
        outside = get_current()
        span, failure, started = None, None, perf_counter()
        try:
            if self._is_of(context["connection"].connection):
                with _guard:
                    span = self._begin(sql, context["cursor"].cursor, outside)
            return execute(sql, params, many, context)
        except Exception as error:
            failure = _of_driver(error)
            if span is not None:
                with _guard:
                    _fail(span, failure)
            raise
        finally:
            attach(outside)  # `detach` would swallow what a signal handler raises in it, such as a time limit
            if span is not None:
                with _guard:
                    span.end()
                    self._measure(sql, context["cursor"].cursor, started, failure)
            failure = None  # its traceback holds this frame

    def _is_of(self, connection: Any) -> bool:
        """Whether that is the driver's connection still, or a wrapper of it by wrapt."""
        return connection is self._raw or getattr(connection, "__wrapped__", None) is self._raw

    def _begin(self, sql: Any, cursor: Any, outside: Context) -> Span | None:
        if not is_instrumentation_enabled():
            return None
        if type(sql) is str:
            text, name = sql, operation(sql)
        else:
            text, name = (
                ask(cursor, (sql,)) for ask in (self._reader.get_statement, self._reader.get_operation_name)
            )
        attributes = self._attributes.copy()
        for key in self._text:
            attributes[key] = text
        span: Span = self._start(name or self._otherwise, outside, SpanKind.CLIENT, attributes)
        attach(set_span_in_context(span, outside))
        return span

    def _measure(self, sql: Any, cursor: Any, started: float, failure: Exception | None) -> None:
        """Tells the instrumentation's own metrics, where the project has a meter provider that reads them."""
        histogram = self._integration._duration_histogram
        if getattr(histogram, "_real_instrument", histogram) is not None:
            name = self._reader.get_operation_name(cursor, (sql,))
            self._reader._record_metrics(cursor, name, started, failure)


def operation(sql: str) -> str:
    """The first word after a leading comment: `SELECT`, `SAVEPOINT`."""
    words = (_LEADING_COMMENT.sub("", sql) if sql.startswith("/*") else sql).split(None, 1)
    return words[0] if words else ""


def _of_driver(error: Exception) -> Exception:
    """What the driver raised: Django raises an error of its own from it."""
    cause = error.__cause__
    return cause if isinstance(error, Error) and isinstance(cause, Exception) else error


def _fail(span: Span, error: Exception) -> None:
    if span.is_recording():
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def _callproc(wrapped: Execute, cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Django asks no execute wrapper about procedures."""
    spans = getattr(cursor.db, SPANS, None)
    if type(spans) is not Statements or not args:  # a mock has every attribute
        return wrapped(*args, **kwargs)
    context = {"connection": cursor.db, "cursor": cursor}
    return spans.run(lambda *_: wrapped(*args, **kwargs), args[0], None, False, context)


def _closing(
    wrapped: Callable[..., Any], connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Lets go of a connection that is closed; a weak reference would, but sqlite3's takes none."""
    try:
        return wrapped(*args, **kwargs)
    finally:
        if connection.connection is None:
            connection.__dict__.pop(SPANS, None)
