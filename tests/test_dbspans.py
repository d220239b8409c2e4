"""Spans of Django's statements are those of OpenTelemetry's instrumentations, without their proxies."""

from __future__ import annotations

import gc
import signal
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import MagicMock, Mock, call

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.db.utils import ConnectionHandler
from django.utils.safestring import mark_safe
from opentelemetry import context, trace
from opentelemetry.instrumentation.dbapi import TracedConnectionProxy
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from psycopg import sql
from wrapt import ObjectProxy

from django_observe import database, dbspans, reporting
from tests.collector import Collector
from tests.demo.servers import postgresql
from tests.test_traces import run

Connect: TypeAlias = Callable[[], BaseDatabaseWrapper]

INSTRUMENTATIONS = ("opentelemetry.instrumentation.sqlite3", "opentelemetry.instrumentation.psycopg")


class Tracing:
    """Both instrumentations are on; `ours()` from then on takes over what connects."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def ours(self) -> None:
        for each in INSTRUMENTATIONS:
            dbspans.install(each)
        connection_created.connect(dbspans.take_over, dispatch_uid="django_observe.dbspans", weak=False)

    def spans(self) -> list[ReadableSpan]:
        """What has ended since the last call."""
        ended = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return ended


@pytest.fixture
def tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracing]:
    monkeypatch.setattr(dbspans, "_switched_on", set())
    made = Tracing()
    instrumentors: tuple[Any, ...] = (SQLite3Instrumentor(), PsycopgInstrumentor())
    for each in instrumentors:
        each.instrument(tracer_provider=made.provider)
    yield made
    connection_created.disconnect(dispatch_uid="django_observe.dbspans")
    for each in instrumentors:
        each.uninstrument()


@pytest.fixture
def ours(tracing: Tracing) -> Tracing:
    tracing.ours()
    return tracing


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    with postgresql("shop") as started:
        port = started.url.rpartition(":")[2].partition("/")[0]
        yield {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "NAME": "shop",
            "USER": "demo",
            "PORT": port,
        }


@pytest.fixture
def connect(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[Connect]:
    """Makes connections: to SQLite, or to what the test's parameter names."""
    given: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "shop")}
    if getattr(request, "param", "sqlite") == "postgresql":
        given = request.getfixturevalue("server")
    opened: list[BaseDatabaseWrapper] = []

    def made() -> BaseDatabaseWrapper:
        opened.append(ConnectionHandler({"default": dict(given)})["default"])
        return opened[-1]

    with django_db_blocker.unblock():  # these connections are the test's own
        yield made
        for each in opened:
            each.close()


def facts(span: ReadableSpan) -> dict[str, Any]:
    """All that an instrumentation decides of a span; of a stack trace, where it ends."""
    scope = span.instrumentation_scope
    assert scope is not None
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": dict(span.attributes or {}),
        "status": (span.status.status_code, span.status.description),
        "events": [
            (event.name, {**(event.attributes or {}), "exception.stacktrace": _last_line(event.attributes)})
            for event in span.events
        ],
        "scope": (scope.name, scope.version, scope.schema_url),
        "parent": span.parent is None,
    }


def _last_line(attributes: Any) -> str:
    return str(attributes["exception.stacktrace"]).strip().splitlines()[-1]


def _execute(*statements: Any) -> Callable[[BaseDatabaseWrapper], None]:
    def executed(shop: BaseDatabaseWrapper) -> None:
        with shop.cursor() as cursor:
            for each in statements:
                cursor.execute(*each) if isinstance(each, tuple) else cursor.execute(each)

    return executed


def _many(shop: BaseDatabaseWrapper) -> None:
    with shop.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE made (number integer)")
        cursor.executemany("INSERT INTO made VALUES (%s)", [(1,), (2,)])


def _failing(shop: BaseDatabaseWrapper) -> None:
    with pytest.raises(DatabaseError), shop.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


BOTH: dict[str, Callable[[BaseDatabaseWrapper], None]] = {
    "select": _execute("SELECT 1"),
    "parameters": _execute(("SELECT %s", ["hunter2"]), ("SELECT %s", (1,))),
    "lower case, many lines": _execute("\n  select\n 1"),
    "a comment first": _execute("/* of a view */ SELECT 1", "/* a\nb */ SELECT 1", "-- one\nSELECT 1"),
    "data definition": _execute("CREATE TEMPORARY TABLE made (number integer)", "DROP TABLE made"),
    "a string of another kind": _execute(mark_safe("SELECT 1")),
    "executemany": _many,
    "a failure": _failing,
    "a transaction by hand": _execute("BEGIN", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "COMMIT"),
    "twenty thousand characters": _execute("SELECT 1 " + "/* x */ " * 2_500),
}
POSTGRESQL: dict[str, Callable[[BaseDatabaseWrapper], None]] = {
    "a composed statement": _execute(sql.SQL("SELECT {}").format(sql.Literal(7))),
    "a composed comment": _execute(sql.SQL("/* only */")),
    "an empty statement": _execute(""),
    "bytes": _execute(b"SELECT 1"),
    "a failure of the server": lambda shop: _raises(shop, "SELECT 1/0"),
}
CASES = [
    *(pytest.param("sqlite", case, id=f"sqlite: {name}") for name, case in BOTH.items()),
    *(
        pytest.param("postgresql", case, id=f"postgresql: {name}")
        for name, case in (BOTH | POSTGRESQL).items()
    ),
]


def _raises(shop: BaseDatabaseWrapper, statement: str) -> None:
    with pytest.raises(DatabaseError), shop.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(("connect", "case"), CASES, indirect=["connect"])
def test_the_spans_are_those_of_the_instrumentation(
    tracing: Tracing, connect: Connect, case: Callable[[BaseDatabaseWrapper], None]
) -> None:
    case(connect())
    theirs = [facts(span) for span in tracing.spans()]
    tracing.ours()
    taken = connect()
    case(taken)
    assert [facts(span) for span in tracing.spans()] == theirs
    assert theirs
    assert getattr(taken, database.SPANS) is not None


@pytest.mark.parametrize("connect", ["sqlite", "postgresql"], indirect=True)
def test_what_is_left_of_a_proxy_is_the_drivers_own(ours: Tracing, connect: Connect) -> None:
    shop = connect()
    shop.ensure_connection()
    raw: Any = shop.connection
    assert not isinstance(raw, TracedConnectionProxy)
    assert "opentelemetry" not in getattr(raw, "cursor_factory", object).__module__
    ours.spans()
    raw.cursor().execute("SELECT 1")
    assert ours.spans() == []


def test_the_span_is_current_while_the_statement_runs_and_not_after(ours: Tracing, connect: Connect) -> None:
    shop, seen = connect(), []

    def look() -> int:
        seen.append(trace.get_current_span().get_span_context().span_id)
        return 1

    shop.ensure_connection()
    raw: Any = shop.connection
    raw.create_function("look", 0, look)
    tracer = ours.provider.get_tracer("test")
    with tracer.start_as_current_span("view") as view:
        _execute("SELECT look()")(shop)
        assert trace.get_current_span() is view
    select, outer = ours.spans()
    assert (select.name, outer.name) == ("SELECT", "view")
    assert select.parent is not None
    assert select.parent.span_id == outer.context.span_id if outer.context else False
    assert seen == [select.context.span_id] if select.context else False


def test_a_failure_leaves_the_context_as_it_was(ours: Tracing, connect: Connect) -> None:
    _failing(connect())
    assert not trace.get_current_span().get_span_context().is_valid
    [span] = ours.spans()
    assert [event.name for event in span.events] == ["exception"]


def test_from_asynchronous_code_a_span_is_in_its_callers_trace(ours: Tracing, connect: Connect) -> None:
    async def view() -> None:
        with ours.provider.get_tracer("test").start_as_current_span("view"):
            await sync_to_async(lambda: _execute("SELECT 1")(connect()))()

    async_to_sync(view)()
    select, outer = ours.spans()
    assert select.parent is not None
    assert select.parent == outer.context


def test_nothing_is_made_where_instrumentation_is_suppressed(ours: Tracing, connect: Connect) -> None:
    shop = connect()
    with suppress_instrumentation():
        _execute("SELECT 1")(shop)
    assert ours.spans() == []


def test_what_is_not_sampled_runs_and_fails_as_ever(
    tracing: Tracing, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing.provider, "sampler", ALWAYS_OFF)
    tracing.ours()
    shop = connect()
    _execute("SELECT 1")(shop)
    _failing(shop)
    assert tracing.spans() == []
    assert reporting.failures().get("dbspans") is None


def test_a_connection_that_was_open_before_is_traced_by_nobody(connect: Connect) -> None:
    """As ever: the instrumentations trace what connects after them."""
    shop = connect()
    shop.ensure_connection()
    dbspans.take_over(connection=shop)
    assert getattr(shop, database.SPANS) is None


def test_a_connection_of_an_instrumentation_of_the_projects_own_stays_there(
    tracing: Tracing, connect: Connect
) -> None:
    connection_created.connect(dbspans.take_over, dispatch_uid="django_observe.dbspans", weak=False)
    shop = connect()
    _execute("SELECT 1")(shop)
    assert isinstance(shop.connection, TracedConnectionProxy)
    assert [span.name for span in tracing.spans()] == ["SELECT"]


def test_a_connection_of_a_pool_stays_with_its_proxy(tracing: Tracing, connect: Connect) -> None:
    shop = connect()
    shop.ensure_connection()
    tracing.ours()
    shop.settings_dict["OPTIONS"]["pool"] = True
    dbspans.take_over(connection=shop)
    assert isinstance(shop.connection, TracedConnectionProxy)
    assert getattr(shop, database.SPANS) is None


@pytest.mark.parametrize("connect", ["sqlite", "postgresql"], indirect=True)
def test_a_connection_that_is_opened_again_has_one_span_for_each_statement(
    ours: Tracing, connect: Connect
) -> None:
    """Also for what a receiver runs before ours has seen the new connection."""

    def early(*, connection: BaseDatabaseWrapper, **_: object) -> None:
        _execute("SELECT 7")(connection)

    receivers = list(connection_created.receivers)
    shop = connect()
    shop.ensure_connection()
    shop.close()
    ours.spans()
    connection_created.connect(early)
    connection_created.receivers = [connection_created.receivers[-1], *receivers]
    connection_created.sender_receivers_cache.clear()
    try:
        _execute("SELECT 8")(shop)
    finally:
        connection_created.receivers = receivers
        connection_created.sender_receivers_cache.clear()
    told = [dict(span.attributes or {}) for span in ours.spans() if span.name == "SELECT"]
    texts = [each.get("db.statement") or each.get("db.query.text") for each in told]
    assert [text for text in texts if text and "set_config" not in str(text)] == ["SELECT 7", "SELECT 8"]


@pytest.mark.parametrize("connect", ["postgresql"], indirect=True)
def test_a_cursor_on_the_server_has_a_span(ours: Tracing, connect: Connect) -> None:
    """The instrumentation has none: Django makes that cursor past the factory it puts on a connection."""
    shop = connect()
    shop.ensure_connection()
    ours.spans()
    with shop.chunked_cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]
    assert [span.name for span in ours.spans()] == ["SELECT"]


@pytest.mark.parametrize("connect", ["postgresql"], indirect=True)
def test_a_procedure_has_one_span_of_its_name(ours: Tracing, connect: Connect) -> None:
    shop = connect()
    with shop.cursor() as cursor:
        ours.spans()
        cursor.callproc("abs", [-7])
        assert cursor.fetchall() == [(7,)]
    assert [span.name for span in ours.spans()] == ["abs"]


def test_a_procedure_of_a_mocks_cursor_is_called(ours: Tracing) -> None:
    cursor = Mock()
    CursorWrapper(cursor, MagicMock()).callproc("pay")
    assert cursor.mock_calls == [call.callproc("pay")]


def test_a_fault_of_ours_is_none_of_the_statement(
    ours: Tracing, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    shop, before = connect(), reporting.failures().get("dbspans", 0)
    shop.ensure_connection()
    monkeypatch.setattr(dbspans.Statements, "_begin", fails)
    with shop.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]
    assert reporting.failures()["dbspans"] == before + 1


def test_metrics_of_the_instrumentation_go_to_a_meter_provider_that_the_project_has() -> None:
    with Collector() as collector:
        told = run(
            """
from django.db import DatabaseError, connection
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
    try:
        cursor.execute("SELECT nothing FROM nowhere")
    except DatabaseError:
        pass
    cursor.execute("SELECT 1")
metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
say(points={each.name: [[dict(point.attributes), point.count] for point in each.data.data_points]
            for each in metrics})
""",
            collector,
            before="""
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
""",
        )
    same = {"db.system.name": "sqlite", "db.operation.name": "SELECT"}
    assert told["points"]["db.client.operation.duration"] == [
        [same, 2],
        [{**same, "error.type": "OperationalError"}, 1],
    ]


class LateError(Exception):
    """What a handler raises where time is up, as Celery's for a soft time limit does."""


def test_what_a_signal_handler_raises_reaches_the_application(
    tracing: Tracing, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing.provider, "sampler", ALWAYS_OFF)  # the SDK's exporting swallows it
    tracing.ours()
    connection = connect()
    connection.ensure_connection()
    outside = context.get_current()
    reached = heard = 0

    def strike(*_: object) -> None:
        nonlocal reached
        reached += 1
        raise LateError

    def query_until(number: int) -> None:
        """Called, as a `try` of Python 3.13 does not hold what is raised where a loop in it goes back."""
        while reached < number:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")

    before = signal.signal(signal.SIGALRM, strike)
    gc.disable()  # Python swallows what is raised in a callback of its collector, such as Hypothesis's
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + number % 30 * 0.0001)
                query_until(number + 1)
            except LateError:
                heard += 1
            context.attach(outside)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    assert heard == reached == 300


def test_a_connection_that_is_wrapped_later_keeps_its_spans(ours: Tracing, connect: Connect) -> None:
    connection = connect()
    connection.ensure_connection()
    connection.connection = ObjectProxy(connection.connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert [span.name for span in ours.spans()][-1:] == ["SELECT"]


class Referable(sqlite3.Connection):
    """One that takes a weak reference."""


@pytest.mark.parametrize("connect", ["sqlite", "postgresql"], indirect=True)
def test_nobody_keeps_a_connection_that_is_closed(ours: Tracing, connect: Connect) -> None:
    shop = connect()
    if shop.vendor == "sqlite":
        shop.settings_dict["OPTIONS"] |= {"factory": Referable}
    _execute("SELECT 1")(shop)
    raw = weakref.ref(shop.connection)
    shop.close()
    gc.collect()
    assert raw() is None
    ours.spans()
    _execute("SELECT 2")(shop)
    assert [span.name for span in ours.spans()][-1:] == ["SELECT"]
    assert not isinstance(shop.connection, TracedConnectionProxy)
