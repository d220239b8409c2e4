"""One row per trace, kept up to date by the writer: it makes the trace list and eviction cheap."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

_COLUMNS = (
    "start_ns, end_ns, listed_ns, root_service, root_name, rooted, "
    "spans, errors, logs, surplus, services, corr, http"
)
_STATUS_ERROR = 2


@dataclass
class Summary:
    """What the trace list shows of one trace. `rooted` tells whether the span without parent has arrived."""

    start_ns: int = 0
    end_ns: int = 0
    listed_ns: int = 0
    root_service: str = ""
    root_name: str = ""
    rooted: int = 0
    spans: int = 0
    errors: int = 0
    logs: int = 0
    surplus: int = 0
    services: dict[str, int] = field(default_factory=dict)
    corr: str | None = None
    http: int | None = None

    def add_span(self, row: Any) -> None:
        """Counts a span that was just inserted, in whatever order spans arrive."""
        earliest = self.spans == 0 or row["start_ns"] < self.start_ns
        is_root = row["parent_id"] is None
        if (is_root and (not self.rooted or earliest)) or (earliest and not self.rooted):
            self.root_service, self.root_name, self.http = row["service"], row["name"], row["http"]
            self.rooted = int(is_root)
        end_ns = min(row["start_ns"] + row["dur_ns"], 2**63 - 1)
        self.start_ns = row["start_ns"] if earliest else self.start_ns
        self.end_ns = end_ns if self.spans == 0 else max(self.end_ns, end_ns)
        self.listed_ns = row["listed_ns"] if earliest else self.listed_ns
        self.spans += 1
        self.errors += row["status"] == _STATUS_ERROR
        self.services[row["service"]] = self.services.get(row["service"], 0) + 1
        self.corr = self.corr or row["corr"]

    def add_log(self, row: Any) -> None:
        """Counts a log line; until a span arrives its time stands for the trace's."""
        if self.spans == 0 and (self.logs == 0 or row["listed_ns"] < self.listed_ns):
            self.start_ns = self.end_ns = row["ts"]
            self.listed_ns = row["listed_ns"]
        self.logs += 1
        self.corr = self.corr or row["corr"]


def load(connection: sqlite3.Connection, trace_ids: Iterable[bytes]) -> dict[bytes, Summary]:
    """The summaries of `trace_ids`, new ones for traces not seen yet."""
    found: dict[bytes, Summary] = {}
    for trace_id in trace_ids:
        row = connection.execute(f"SELECT {_COLUMNS} FROM trace WHERE trace_id=?", (trace_id,)).fetchone()  # noqa: S608
        if row is None:
            found[trace_id] = Summary()
        else:
            found[trace_id] = Summary(*row)
            found[trace_id].services = orjson.loads(row[10])
    return found


def save(connection: sqlite3.Connection, summaries: dict[bytes, Summary]) -> None:
    """Writes the summaries back."""
    now = time.time_ns()
    connection.executemany(
        f"INSERT OR REPLACE INTO trace(trace_id, {_COLUMNS}, updated) VALUES({','.join('?' * 15)})",
        [
            (
                trace_id, s.start_ns, s.end_ns, s.listed_ns, s.root_service, s.root_name, s.rooted,
                s.spans, s.errors, s.logs, s.surplus, orjson.dumps(s.services).decode(), s.corr, s.http, now,
            )
            for trace_id, s in summaries.items()
        ],
    )  # fmt: skip
