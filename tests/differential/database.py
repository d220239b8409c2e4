"""Rows of statements, on SQLite in memory and on a PostgreSQL server, through Django and beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from tests.differential.rows import Row

ALIASES = {"SQLite": "default", "PostgreSQL": "postgresql"}
_BOOKS = "CREATE TABLE books (id integer PRIMARY KEY, title varchar(40) UNIQUE)"


def statements(alias: str, *sql: str) -> None:
    """The statements, one after the other, on a table of books that is gone afterwards."""
    from django.db import connections, transaction

    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.execute(_BOOKS)
        for each in sql:
            cursor.execute(each)
        transaction.set_rollback(True, using=alias)


def blank(alias: str) -> None:
    """A statement of spaces; upstream raises IndexError."""
    with suppress(IndexError):
        tried(alias, "  ")


def in_a_broken_transaction(alias: str) -> None:
    """A statement that Django itself refuses."""
    from django.db import transaction

    with transaction.atomic(alias):
        transaction.set_rollback(True, using=alias)
        tried(alias, "SELECT 1")


def many(alias: str) -> None:
    from django.db import connections, transaction

    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.execute(_BOOKS)
        cursor.executemany("INSERT INTO books VALUES (%s, %s)", [(1, "one"), (2, "two")])
        cursor.executemany("INSERT INTO books VALUES (%s, %s)", [])
        transaction.set_rollback(True, using=alias)


def tried(alias: str, sql: Any, parameters: Any = None) -> None:
    """A statement, which the database or its driver may refuse."""
    from django.db import Error, connections

    with suppress(Error, TypeError), connections[alias].cursor() as cursor:
        cursor.execute(sql, parameters)


def violating(alias: str) -> None:
    """A constraint is violated, within a savepoint; the transaction goes on."""
    from django.db import IntegrityError, connections, transaction

    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.execute(_BOOKS)
        cursor.execute("INSERT INTO books VALUES (1, 'one')")
        with suppress(IntegrityError), transaction.atomic(alias):
            cursor.execute("INSERT INTO books VALUES (2, 'one')")
        cursor.execute("SELECT count(*) FROM books")
        transaction.set_rollback(True, using=alias)


def new_connection(alias: str) -> None:
    """What opening a connection sends, and the first statement on it."""
    from django.db import connections

    connections[alias].close()
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    connections[alias].close()
    connections[alias].ensure_connection()


def of_a_model(alias: str) -> None:
    """Django's own SQL: a table made, rows made, changed, counted, read in pieces and deleted."""
    from datetime import datetime, timezone

    from django.contrib.sessions.models import Session
    from django.db import connections

    def made(key: str) -> Session:
        return Session(
            session_key=key, session_data="", expire_date=datetime(2030, 1, 1, tzinfo=timezone.utc)
        )

    with connections[alias].schema_editor() as editor:
        editor.create_model(Session)
    try:
        rows = Session.objects.using(alias)
        made("one").save(using=alias, force_insert=True)
        rows.bulk_create(made(f"more {number}") for number in range(3))
        rows.filter(session_key="one").update(session_data="new")
        list(rows.order_by("session_key").iterator(chunk_size=2))
        rows.filter(session_key__in=["one", "two"]).exists()
        rows.filter(session_key="one").delete()
    finally:
        with connections[alias].schema_editor() as editor:
            editor.delete_model(Session)


def raw(alias: str) -> None:
    """A cursor of the driver's own, past Django."""
    from django.db import connections

    connections[alias].ensure_connection()
    cursor = connections[alias].connection.cursor()
    cursor.execute("SELECT 1")
    cursor.close()


def beside(alias: str) -> None:
    """A connection that is none of Django's, to the same database."""
    import sqlite3

    import psycopg
    from django.conf import settings

    port = settings.DATABASES["postgresql"]["PORT"]
    connection: Any = (
        sqlite3.connect(":memory:")
        if alias == "default"
        else psycopg.connect(host="127.0.0.1", port=port, user="demo", dbname="shop")
    )
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    connection.close()


def inside(alias: str) -> None:
    """A statement while another span is current, and one after a span of its own."""
    from django.db import connections
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("outer"), connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
        with trace.get_tracer("shop").start_as_current_span("inner"):
            cursor.execute("SELECT 2")


def suppressed(alias: str) -> None:
    from django.db import connections
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation(), connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")


def not_sampled(alias: str) -> None:
    from django.db import connections
    from opentelemetry import trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext

    parent = NonRecordingSpan(SpanContext(1, 1, is_remote=False))
    with trace.use_span(parent), connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")


def rewritten(alias: str) -> None:
    """An execute wrapper of the project's changes the statement."""
    from django.db import connections

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        return execute(f"{sql} + 1", *rest)

    with connections[alias].execute_wrapper(wrapper), connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")


def debugging(alias: str) -> None:
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connections[alias]), connections[alias].cursor() as cursor:
        cursor.execute("SELECT %s", [1])


def composed(alias: str) -> None:
    from django.db import connections
    from psycopg.sql import SQL, Literal

    with connections[alias].cursor() as cursor:
        cursor.execute(SQL("SELECT {}").format(Literal("hunter2")))


def function(alias: str) -> None:
    from django.db import connections

    with connections[alias].cursor() as cursor:
        cursor.callproc("upper", ["book"])


def both() -> None:
    for alias in ALIASES.values():
        tried(alias, "SELECT 1")


_PLAIN: dict[str, Callable[[str], None]] = {
    "SELECT": partial(tried, sql="SELECT 1"),
    "literals": partial(tried, sql="SELECT 'hunter2', 17"),
    "INSERT, UPDATE, DELETE": lambda alias: statements(
        alias, "INSERT INTO books VALUES (1, 'one')", "UPDATE books SET id = 2", "DELETE FROM books"
    ),
    "lower case": partial(tried, sql="select 1"),
    "leading comment": partial(tried, sql="/* shelf */ SELECT 1"),
    "leading space": partial(tried, sql="\n  SELECT 1"),
    "line comment": partial(tried, sql="-- shelf\nSELECT 1"),
    "WITH": partial(tried, sql="WITH one AS (SELECT 1) SELECT * FROM one"),
    "bound parameters": partial(tried, sql="SELECT %s", parameters=["hunter2"]),
    "empty": partial(tried, sql=""),
    "bytes": partial(tried, sql=b"SELECT 1"),
    "refused": partial(tried, sql="SELECT nothing FROM nowhere"),
    "refused with parameters": partial(tried, sql="SELECT %s FROM nowhere", parameters=["hunter2"]),
    "violated constraint in a savepoint": violating,
    "many": many,
    "new connection": new_connection,
    "model": of_a_model,
    "cursor of the driver": raw,
    "connection beside Django": beside,
    "inside of spans": inside,
    "suppressed": suppressed,
    "not sampled": not_sampled,
    "changed by a wrapper": rewritten,
    "while queries are captured": debugging,
}
_SILENT = {"suppressed", "not sampled"}

ROWS = [
    *(
        Row("database", f"{vendor}, {name}", partial(work, alias), silent=name in _SILENT)
        for vendor, alias in ALIASES.items()
        for name, work in _PLAIN.items()
    ),
    Row("database", "SQLite, blank", partial(blank, "default")),
    Row("database", "SQLite, in a broken transaction", partial(in_a_broken_transaction, "default")),
    Row("database", "PostgreSQL, composed", partial(composed, "postgresql")),
    Row("database", "PostgreSQL, function", partial(function, "postgresql")),
    Row("database", "two databases", both),
]
