"""The SQLite file: its schema, its one writing connection and its reading ones."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django_observe.console import limits, schema


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
            raise schema.ForeignFileError("it is not a file")

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError:  # locked, unreadable: nothing is wrong with the data
            raise
        except (sqlite3.DatabaseError, schema.UnknownVersionError) as fault:
            backup = self._set_aside()
            self.notice = (
                f"{self.path} was not usable ({fault}); it was renamed to {backup}, a new one started."
            )
            self._prepare_file()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            version = schema.version_of(connection)
            self.path.chmod(0o600)
            schema.prepare(connection, version)
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

    def begin_run(self, label: str) -> None:
        """Notes that the console starts now, so that a screen can tell what came since."""
        self.connection.execute("INSERT INTO run(started_ns, label) VALUES(?, ?)", (time.time_ns(), label))

    def close(self) -> None:
        """Writes the journal back into the file and ends the connection."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        if self._folder:
            self._folder.cleanup()


def bytes_used(connection: sqlite3.Connection) -> int:
    """Size of the pages in use, without those that wait to be given back and without the journal."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size


def default_path() -> Path:
    """Where the console keeps its data when nothing else is said: the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("django-observe")) / "console.db"
