"""Statements are counted and timed through Django's own hook."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.db.backends.signals import connection_created
from django.db.utils import ConnectionHandler

from django_observe import database, metrics, reporting, samples, tally
from django_observe.records import NewConnection, Query, Record

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> Iterator[list[Record]]:
    records: list[Record] = []
    before = reporting.reporters()
    reporting.set_reporters((records.append,))
    yield records
    reporting.set_reporters(before)


def test_statements_are_told_with_alias_vendor_and_time(told: list[Record]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute("CREATE TEMPORARY TABLE made (number integer)")
        cursor.executemany("INSERT INTO made VALUES (%s)", [(1,), (2,)])
    queries = [record for record in told if isinstance(record, Query)]
    assert [(query.alias, query.vendor, query.many, query.rows) for query in queries] == [
        ("default", "sqlite", False, 1),
        ("default", "sqlite", False, 1),
        ("default", "sqlite", True, 2),
    ]
    assert all(query.seconds >= 0 for query in queries)


def test_a_failing_statement_is_told_and_still_raises(told: list[Record]) -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    assert isinstance(told[-1], Query)
    assert told[-1].failure == "OperationalError"


def test_a_projects_own_wrapper_ends_with_its_block_though_the_connection_opened_inside() -> None:
    connection.close()
    seen: list[str] = []

    def own(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(own), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2")
    assert seen == ["SELECT 1"]
    assert database.timed in connection.execute_wrappers


def test_installing_again_counts_once() -> None:
    connection.ensure_connection()
    for _ in range(3):
        database.install()
    work = tally.Tally()
    token = tally.bind(work)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        tally.reset(token)
    assert work.query_count == 1


ALONE, BESIDE = (metrics.report,), (metrics.report, lambda record: None)


@pytest.mark.parametrize("reporters", [ALONE, BESIDE], ids=["alone", "beside another"])
def test_the_metrics_are_the_same_whether_a_record_is_made_or_not(reporters: tuple[Any, ...]) -> None:
    """Where the metrics alone are told, a statement like most is told without its record."""
    database_of = {"alias": "default", "vendor": "sqlite"}
    before_reporters = reporting.reporters()
    reporting.set_reporters(reporters)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE counted (number integer)")
            before = samples.taken()
            cursor.execute("SELECT 1")
            cursor.executemany("INSERT INTO counted VALUES (%s)", [(1,), (2,)])
            cursor.execute("SELECT 2")
            with pytest.raises(DatabaseError), transaction.atomic():  # and three about its savepoint
                cursor.execute("SELECT nothing FROM nowhere")
        after = samples.taken()
    finally:
        reporting.set_reporters(before_reporters)
    grown = {
        name: samples.grown(before, after, f"django_db_{name}", database_of)
        for name in ("execute_total", "execute_many_total", "errors_total", "query_duration_seconds_count")
    }
    assert grown == {
        "execute_total": 8,
        "execute_many_total": 2,
        "errors_total": 1,
        "query_duration_seconds_count": 7,
    }


def test_a_connection_that_fails_is_told_and_still_raises(told: list[Record], tmp_path: Path) -> None:
    settings = {**connections.settings["default"], "NAME": str(tmp_path / "no" / "such" / "folder")}
    away = ConnectionHandler({"default": settings})["default"]
    with pytest.raises(OperationalError):
        away.ensure_connection()
    (failed,) = [record for record in told if isinstance(record, NewConnection)]
    assert failed == NewConnection(alias="default", vendor="sqlite", failure="OperationalError")


def test_what_cannot_be_told_of_a_connection_is_none_of_the_services_business(
    told: list[Record], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The records are imported with the first, which fails where no file can be opened any more."""
    settings = {**connections.settings["default"], "NAME": str(tmp_path / "shop.sqlite3")}
    new = ConnectionHandler({"default": settings})["default"]
    monkeypatch.setitem(sys.modules, "django_observe.records", None)
    with closing(new), new.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert [record for record in told if isinstance(record, NewConnection)] == []


def test_what_is_no_failure_of_a_connection_is_not_told(told: list[Record]) -> None:
    connection.close()

    async def connect() -> None:
        connection.connect()

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(connect())
    assert told == []


def test_a_mock_that_is_said_to_have_connected_is_no_error() -> None:
    before = reporting.failures().get("database", 0)
    connection_created.send(None, connection=Mock(vendor="sqlite"))
    assert reporting.failures()["database"] == before + 1
