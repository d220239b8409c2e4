"""The tables of the SQLite file, and how a file of an earlier version becomes one of this."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from django_observe.console import rates

SCHEMA_VERSION: Final = 3
APPLICATION_ID: Final = 0x6F627376  # "obsv" in the file header: never write into another program's database

_SETUP: Final = """
PRAGMA page_size=8192;
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA wal_autocheckpoint=4000;
PRAGMA journal_size_limit=67108864;
PRAGMA busy_timeout=5000;
PRAGMA cache_size=-65536;
PRAGMA temp_store=MEMORY;
PRAGMA trusted_schema=OFF;
"""

# `listed_ns` is the record's own time, or the time of receipt when its own is more than a day off.
_TELEMETRY: Final = """
CREATE TABLE resource(id INTEGER PRIMARY KEY, hash BLOB UNIQUE, service TEXT, instance TEXT, attrs TEXT);
CREATE TABLE span(id INTEGER PRIMARY KEY, trace_id BLOB, span_id BLOB, parent_id BLOB, resource INT,
  service TEXT, scope TEXT, name TEXT, kind INT, start_ns INT, dur_ns INT, status INT, status_msg TEXT,
  corr TEXT, route TEXT, http INT, attrs TEXT, events TEXT, links TEXT, listed_ns INT);
CREATE UNIQUE INDEX span_key ON span(trace_id, span_id);
CREATE INDEX span_listed ON span(listed_ns);
CREATE INDEX span_corr ON span(corr) WHERE corr IS NOT NULL;
CREATE TABLE log(id INTEGER PRIMARY KEY, ts INT, resource INT, service TEXT, sev INT, logger TEXT, body TEXT,
  error TEXT, trace_id BLOB, span_id BLOB, corr TEXT, attrs TEXT, listed_ns INT);
CREATE INDEX log_listed ON log(listed_ns);
CREATE INDEX log_lone ON log(listed_ns) WHERE trace_id IS NULL;
CREATE INDEX log_trace ON log(trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX log_corr ON log(corr) WHERE corr IS NOT NULL;
CREATE VIRTUAL TABLE log_fts USING fts5(body, error, content='log', content_rowid='id',
  tokenize="unicode61 tokenchars '_-'");
CREATE TABLE trace(trace_id BLOB PRIMARY KEY, start_ns INT, end_ns INT, listed_ns INT, root_service TEXT,
  root_name TEXT, rooted INT, spans INT, errors INT, logs INT, surplus INT, services TEXT, corr TEXT,
  http INT, updated INT) WITHOUT ROWID;
CREATE INDEX trace_listed ON trace(listed_ns);
CREATE INDEX trace_corr ON trace(corr) WHERE corr IS NOT NULL;
"""

# `bucket` is Unix seconds, a multiple of 10; `hist` is written by histogram.py. `run` has a row per start.
_RATES: Final = """
CREATE TABLE meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE run(id INTEGER PRIMARY KEY, started_ns INT, label TEXT);
CREATE TABLE red(bucket INT, service TEXT, op TEXT, kind INT, n INT, err INT, sum_ns INT, hist BLOB,
  PRIMARY KEY(bucket, service, op, kind)) WITHOUT ROWID;
CREATE TABLE edge(bucket INT, src TEXT, dst TEXT, type TEXT, n INT, err INT, sum_ns INT, hist BLOB,
  PRIMARY KEY(bucket, src, dst, type)) WITHOUT ROWID;
"""

# The first index is for the counts and the latest change that every page tells, the second for failed traces.
_PINS: Final = """
CREATE TABLE pin(trace_id BLOB PRIMARY KEY, pinned_ns INT) WITHOUT ROWID;
CREATE INDEX trace_updated ON trace(updated, spans);
CREATE INDEX trace_failed ON trace(listed_ns) WHERE errors>0;
"""


class UnknownVersionError(Exception):
    """The file was written by a later version of the console."""


class ForeignFileError(Exception):
    """The path names something that is not the console's: it must not be touched."""


def version_of(connection: sqlite3.Connection) -> int:
    """The file's schema version, 0 when it is empty. Changes nothing. Raises for files that are not ours."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ForeignFileError("it is a database of another program")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 1 <= version <= SCHEMA_VERSION:
        raise UnknownVersionError(f"schema version {version} instead of {SCHEMA_VERSION}")
    return version


def prepare(connection: sqlite3.Connection, version: int) -> None:
    """Makes an empty file ours, or brings one of an earlier version up to date: wholly or not at all."""
    connection.executescript(_SETUP)
    if version == SCHEMA_VERSION:
        connection.execute("SELECT count(*) FROM trace").fetchone()  # fails now if the file is damaged
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _create(connection, version)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _create(connection: sqlite3.Connection, version: int) -> None:
    steps = (_TELEMETRY, _RATES, _PINS)[version:]
    for statement in "".join(steps).split(";"):
        connection.execute(statement)
    if _RATES in steps:
        rates.recount(connection)
        values = {"created_ns": time.time_ns(), "created_as_version": version or SCHEMA_VERSION}
        connection.executemany("INSERT INTO meta(k, v) VALUES(?, ?)", values.items())
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
