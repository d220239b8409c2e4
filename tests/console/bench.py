"""A store and its writer without a console around them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from django_observe.console import decoding
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.store import Store
from django_observe.console.writer import Writer


class Bench:
    """A store with its writer, in this process."""

    def __init__(self, path: Path | None = None, retention: Retention | None = None) -> None:
        self.store = Store(path)
        self.intake = Intake()
        self.writer = Writer(self.store, self.intake, retention or Retention())

    def send(self, message: dict[str, Any]) -> None:
        self.writer.write(decoding.decode_traces(json.dumps(message).encode(), as_json=True))

    def rows(self, query: str) -> list[sqlite3.Row]:
        with self.store.reading() as connection:
            return connection.execute(query).fetchall()

    def close(self) -> None:
        self.writer.close(5)
        self.store.close()
