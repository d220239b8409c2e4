"""Forgetting everything that was received."""

from __future__ import annotations

import sqlite3
from typing import Final

_TABLES: Final = ("span", "log", "trace", "resource", "red", "edge", "pin")


def clear(connection: sqlite3.Connection) -> None:
    """Empties the store, pinned traces too. Of the runs the last stays: it is the one that goes on."""
    connection.execute("INSERT INTO log_fts(log_fts) VALUES('delete-all')")
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute("DELETE FROM run WHERE id < (SELECT max(id) FROM run)")
