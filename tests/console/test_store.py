"""The reading side of the store: it cannot write, and it does not run for ever."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

import pytest

from django_observe.console import limits
from django_observe.console.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(None)
    yield opened
    opened.close()


def test_readers_cannot_write(store: Store) -> None:
    with store.reading() as connection, pytest.raises(sqlite3.OperationalError, match=r"readonly|read-only"):
        connection.execute("DELETE FROM span")


def test_a_statement_that_takes_too_long_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUERY_SECONDS", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n"
    began = time.monotonic()
    with store.reading() as connection, pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(endless).fetchone()
    assert time.monotonic() - began < 2


def test_the_schema_is_the_one_the_queries_rely_on(store: Store) -> None:
    plan = store.connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM trace WHERE spans>0 ORDER BY listed_ns DESC LIMIT 50"
    ).fetchall()
    assert "trace_listed" in plan[0][3], "the trace list would sort everything"
    plan = store.connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM log WHERE log.corr=?", ("x",)
    ).fetchall()
    assert "log_corr" in plan[0][3]
