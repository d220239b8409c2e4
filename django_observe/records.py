"""What happened, as frozen records: the edges build them, the reporters are told them.

Names that come from outside (verbs, routes, queue waits, clocks) are normalised here, once, on construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from django_observe import renamed
from django_observe.consumerrecords import ChannelMessage, WebSocket
from django_observe.frozen import Frozen
from django_observe.stats import NO_CALLS, NO_QUERIES, CallStats, Failure, QueryStats
from django_observe.taskrecords import TaskEvent, TaskRun, UnrunTask
from django_observe.tracecontext import TraceContext
from django_observe.vocabulary import KNOWN_METHODS, UNMATCHED_ROUTE, LabelValue

__all__ = [
    "CacheGet",
    "Call",
    "CallStats",
    "ChannelMessage",
    "Exchange",
    "Failure",
    "ModelChange",
    "NewConnection",
    "Query",
    "QueryStats",
    "Record",
    "TaskEvent",
    "TaskRun",
    "TraceContext",
    "UnrunTask",
    "WebSocket",
    "WebSocketHandshake",
]

renamed.install(__name__)


@dataclass(frozen=True, kw_only=True)
class Exchange(Frozen):
    """One HTTP request and its answer, told when the last byte of the body was handed over."""

    correlation_id: str
    client_correlation_id: str | None = None
    trace: TraceContext | None = None
    method: str
    path: str
    """As it may be told: see `pathtext`."""
    route: str = UNMATCHED_ROUTE
    view: str = LabelValue.UNNAMED_VIEW
    matched: bool = False
    transport: str = "http"
    status: int
    seconds: float
    queue_seconds: float | None = None
    queries: QueryStats = NO_QUERIES
    calls: CallStats = NO_CALLS
    user_id: str | None = None
    client_ip: str | None = None
    bytes_in: int = 0
    bytes_out: int | None = None
    streaming: bool = False
    charset: str | None = None
    template: str | None = None
    ajax: bool = False
    own: bool = False
    """An answer of the kit's own pages that failed: worth a line, but no request of the service's users."""
    quiet: bool = False
    """A health check or scrape that succeeded: counted, but neither logged nor traced."""
    aborted: bool = False
    """The client went away, or the server gave up, before the answer was complete."""
    view_exception: str | None = None
    """Type name of an exception the view raised, answered or not (django-prometheus counts those)."""
    failure: Failure | None = None
    """The uncaught exception behind a 500 or a broken stream."""

    def __post_init__(self) -> None:
        """Folds unknown verbs and keeps clocks that were set back or frozen from going below zero."""
        if self.method not in KNOWN_METHODS:
            object.__setattr__(self, "method", LabelValue.OTHER_METHOD)
        if self.seconds < 0:
            object.__setattr__(self, "seconds", 0.0)
        if self.queue_seconds is not None and self.queue_seconds < 0:
            object.__setattr__(self, "queue_seconds", 0.0)


@dataclass(frozen=True, slots=True)
class WebSocketHandshake:
    """The request that opens a WebSocket and its answer; the connection is told at its end, as a `WebSocket`.

    Apart from `Exchange`, as it is none of the service's requests in lines and metrics.
    """

    exchange: Exchange


@dataclass(frozen=True, kw_only=True)
class Call(Frozen):
    """One outbound HTTP request of this service; a redirect is two."""

    method: str
    host: str
    status: int | None
    """None when there was no answer."""
    seconds: float
    trace: TraceContext | None = None
    failure: str | None = None
    """Type name of the exception that stood in place of an answer."""

    def __post_init__(self) -> None:
        """Folds unknown verbs and negative durations."""
        if self.method not in KNOWN_METHODS:
            object.__setattr__(self, "method", LabelValue.OTHER)
        if self.seconds < 0:
            object.__setattr__(self, "seconds", 0.0)


@dataclass(frozen=True, kw_only=True)
class Query(Frozen):
    """One database statement (or one executemany) of this service."""

    alias: str
    vendor: str
    seconds: float
    many: bool = False
    rows: int = 1
    """How often the statement ran: the parameter sets of an executemany (django-prometheus counts those)."""
    trace: TraceContext | None = None
    """That of the request or task which the statement belongs to."""
    failure: str | None = None
    """Type name of the database error, if the statement failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """One connection to a database that was opened, or that could not be."""

    alias: str
    vendor: str

    failure: str | None = None
    """Type name of the error that stood in the connection's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheGet:
    """One lookup in a cache, of one key or of many."""

    backend: str
    keys: int = 1
    hits: int = 0
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """Rows of one model that were inserted, updated or deleted through the ORM."""

    model: str
    operation: Literal["insert", "update", "delete"]
    rows: int = 1


Record: TypeAlias = (
    Exchange
    | TaskRun
    | TaskEvent
    | UnrunTask
    | WebSocketHandshake
    | WebSocket
    | ChannelMessage
    | Call
    | Query
    | NewConnection
    | CacheGet
    | ModelChange
)
