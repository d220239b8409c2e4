"""Every bound of the console in one place, so that none is forgotten and each can be told to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WIRE_BYTES: Final = 4 * 1024 * 1024
INFLATED_BYTES: Final = 32 * 1024 * 1024
DRAIN_BYTES: Final = 16 * 1024 * 1024
ATTRIBUTES: Final = 128
VALUE_CHARS: Final = 16 * 1024
BODY_CHARS: Final = 64 * 1024
NAME_CHARS: Final = 1024
EVENTS: Final = 128
NESTING: Final = 64
TRACE_ROWS: Final = 10_000
QUEUED_BATCHES: Final = 64
GROUP_ROWS: Final = 4096
QUERY_SECONDS: Final = 2.0
PAGE_ROWS: Final = 500
PAGE_CONNECTIONS: Final = 64
EVENT_STREAMS: Final = 16  # of the page connections; the rest is for pages
INGEST_CONNECTIONS: Final = 128  # every exporter of every worker process holds one open
SOCKET_SECONDS: Final = 30.0
PINNED_TRACES: Final = 50
COMMIT_SECONDS: Final = 8.0  # below the 10 s after which exporters give up


@dataclass(frozen=True)
class Retention:
    """What the store keeps at most; whichever is reached first evicts the oldest whole traces."""

    spans: int = 200_000
    logs: int = 200_000
    seconds: float = 24 * 3600
    bytes: int = 256 * 1024 * 1024
