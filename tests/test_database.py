"""Statements are counted and timed through Django's own hook."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.utils import ConnectionHandler

from django_observe import database, reporting, tally
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


def test_a_connection_that_fails_is_told_and_still_raises(told: list[Record], tmp_path: Path) -> None:
    settings = {**connections.settings["default"], "NAME": str(tmp_path / "no" / "such" / "folder")}
    away = ConnectionHandler({"default": settings})["default"]
    with pytest.raises(OperationalError):
        away.ensure_connection()
    (failed,) = [record for record in told if isinstance(record, NewConnection)]
    assert failed == NewConnection(alias="default", vendor="sqlite", failure="OperationalError")


def test_what_is_no_failure_of_a_connection_is_not_told(told: list[Record]) -> None:
    connection.close()

    async def connect() -> None:
        connection.connect()

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(connect())
    assert told == []
