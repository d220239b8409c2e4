"""The SQLite file: its schema, its one writing connection and its reading ones."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django_observe.console import limits

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x6F627376  # "obsv" in the file header: never write into another program's database

SETUP: Final = """
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
SCHEMA: Final = f"""
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
PRAGMA application_id={APPLICATION_ID};
PRAGMA user_version={SCHEMA_VERSION};
"""


class Store:
    """One database file. `path=None` keeps it in a private temporary folder that `close` removes."""

    def __init__(self, path: Path | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="django-observe-") if path is None else None
        self.path = Path(self._folder.name) / "console.db" if self._folder else Path(str(path)).absolute()
        self.notice = ""
        self._prepare_file()
        self.connection = self._open()

    def _prepare_file(self) -> None:
        """Only the owner may read what services tell about themselves: folder 0700, file 0600."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        elif not self.path.is_file():
            raise ForeignFileError("it is not a file")

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError:  # locked, unreadable: nothing is wrong with the data
            raise
        except (sqlite3.DatabaseError, _UnknownVersionError) as fault:
            backup = self._set_aside()
            self.notice = (
                f"{self.path} was not usable ({fault}); it was renamed to {backup}, a new one started."
            )
            self._prepare_file()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            fresh = _is_fresh(connection)
            self.path.chmod(0o600)
            connection.executescript(SETUP)
            if fresh:
                connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
            connection.execute("SELECT count(*) FROM trace").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> Path:
        backup = self.path.with_name(f"{self.path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return self.path.replace(backup)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that cannot write and whose statements end after 2 s (sqlite3.OperationalError)."""
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only=1")
            deadline = time.monotonic() + limits.QUERY_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 5000)
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Writes the journal back into the file and ends the connection."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        if self._folder:
            self._folder.cleanup()


class _UnknownVersionError(Exception):
    """The file was written by another version of the console."""


class ForeignFileError(Exception):
    """The path names something that is not the console's: it must not be touched."""


def _is_fresh(connection: sqlite3.Connection) -> bool:
    """Whether the file is empty; when it is not, it has to be ours and of our version."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ForeignFileError("it is a database of another program")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise _UnknownVersionError(f"schema version {version} instead of {SCHEMA_VERSION}")
    return False


def bytes_used(connection: sqlite3.Connection) -> int:
    """Size of the pages in use, without those that wait to be given back and without the journal."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size


def default_path() -> Path:
    """Where the console keeps its data when nothing else is said: the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("django-observe")) / "console.db"
