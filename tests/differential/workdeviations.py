"""Deviations of the spans of statements and tasks, and of all of them."""

from __future__ import annotations

from copy import deepcopy

from tests.differential.deviation import listed, raised
from tests.differential.spans import Seen

_REFUSED = "[Errno 111] Connection refused"
_BROKEN = "An error occurred in the current transaction. You can't execute queries until the end of the "
_BROKEN += "'atomic' block."


@listed
def counted_queries(row: str, spans: list[Seen]) -> None:
    """The span of work with queries says how many, and how often the most frequent was repeated."""
    if row.endswith("/work/"):
        spans[0].attributes |= {"django.db.query_count": 1, "django.db.query_repeat": 1}


@listed
def cursor_of_the_driver(row: str, spans: list[Seen]) -> None:
    """On Django's connections, statements through Django are spans, those of a driver's cursor are not."""
    if row.endswith("cursor of the driver"):
        spans.clear()


@listed
def statement_as_django_has_it(row: str, spans: list[Seen]) -> None:
    """`db.query.text` is the statement that Django was given; an execute wrapper's changes are not in it."""
    if row.endswith("changed by a wrapper"):
        spans[0].attributes["db.query.text"] = "SELECT 1"


@listed
def blank_statement(row: str, spans: list[Seen]) -> None:
    """A statement of spaces is named as an empty one; upstream raises IndexError into the application."""
    if row == "database: SQLite, blank":
        spans.append(Seen("sqlite", "CLIENT", "opentelemetry.instrumentation.sqlite3", "", "trace 1"))
        spans[0].attributes = {"db.system.name": "sqlite", "db.query.text": "  "}


@listed
def refused_by_django(row: str, spans: list[Seen]) -> None:
    """A statement that Django refuses, in a transaction that is broken, has a span with that error."""
    if row == "database: SQLite, in a broken transaction":
        kind, message = "django.db.transaction.TransactionManagementError", _BROKEN
        spans.append(Seen("SELECT", "CLIENT", spans[0].scope, "", "trace 2"))
        spans[1].status = ("ERROR", f"TransactionManagementError: {message}")
        spans[1].attributes = {"db.system.name": "sqlite", "db.query.text": "SELECT 1"}
        spans[1].events = [raised(kind, message)]
        spans[1].events[0][1]["exception.escaped"] = "False"


@listed
def capturing(row: str, spans: list[Seen]) -> None:
    """A statement is one span, also while queries are captured; upstream has two on SQLite."""
    if row.endswith("while queries are captured"):
        del spans[1:]


@listed
def server_side_cursor(row: str, spans: list[Seen]) -> None:
    """What `iterator()` reads through a cursor on the PostgreSQL server has its span; upstream has none."""
    if row == "database: PostgreSQL, model":
        place = [span.name for span in spans].index("UPDATE") + 1
        spans.insert(place, deepcopy(spans[place]))
        spans[place].attributes["db.query.text"] = (
            'SELECT "django_session"."session_key", "django_session"."session_data", '
            '"django_session"."expire_date" FROM "django_session" '
            'ORDER BY "django_session"."session_key" ASC'
        )
        for number, span in enumerate(spans, 1):
            span.trace = f"trace {number}"


@listed
def stored_function(row: str, spans: list[Seen]) -> None:
    """`callproc` is one span; upstream has a second one for the statement that Django makes of it."""
    if row.endswith("function"):
        del spans[1:]


@listed
def failed_publish(row: str, spans: list[Seen]) -> None:
    """A publish that fails has its span, with the error; upstream never ends it."""
    if row == "celery: no broker":
        spans.append(
            Seen("apply_async/add", "PRODUCER", "opentelemetry.instrumentation.celery", "", "trace 1")
        )
        spans[0].status = ("ERROR", f"OperationalError: {_REFUSED}")
        spans[0].events = [raised("kombu.exceptions.OperationalError", _REFUSED)]
        spans[0].events[0][1]["exception.escaped"] = "False"
        spans[0].attributes = {
            "celery.action": "apply_async",
            "celery.task_name": "add",
            "messaging.destination": "celery",
            "messaging.destination_kind": "queue",
            "messaging.message.id": "<id 0>",
        }


@listed
def old_protocol(row: str, spans: list[Seen]) -> None:
    """A run of a message of protocol 1 is of its publisher's trace; upstream's begins one."""
    if row == "celery: protocol 1":
        spans[1].parent, spans[1].trace = "span 0", "trace 1"


@listed
def queue_wait(row: str, spans: list[Seen]) -> None:
    """The span of a run says how long its message waited."""
    for span in spans:
        if span.name.startswith("run/") and "eager" not in row:
            span.attributes["celery.queue_wait_ms"] = "float"


@listed
def correlated(row: str, spans: list[Seen]) -> None:
    """A span within a request or a task has the correlation ID; by default it is the trace's."""
    for span in spans:
        if not row.startswith(("client", "database")) and span.name != "outer":
            span.attributes["correlation_id"] = span.trace
