"""What happened, as frozen records: the edges build them, the reporters are told them.

Names that come from outside (verbs, routes, queue waits, clocks) are normalised here, once, on construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from django_observe.measures import NO_CALLS, NO_QUERIES, CallStats, Failure, QueryStats, TraceContext
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
    "WebSocket",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP request and its answer, told when the last byte of the body was handed over."""

    correlation_id: str
    client_correlation_id: str | None = None
    trace: TraceContext | None = None
    method: str
    path: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One run of a task, Celery's or Django's own: started and ended in a worker (or eagerly)."""

    system: Literal["celery", "django"] = "celery"
    correlation_id: str
    trace: TraceContext | None = None
    task: str
    task_id: str
    queue: str = "unknown"
    hostname: str = "unknown"
    state: str
    """SUCCESS, FAILURE, RETRY, IGNORED or REJECTED, as Celery spells its states."""
    attempt: int = 1
    seconds: float
    queue_wait_seconds: float | None = None
    clock_skew_seconds: float | None = None
    """How far in the future the publish lay: the clocks differ, and the wait is not to be believed."""
    schedule: str | None = None
    """Name of the entry of beat's schedule that asked for the run."""
    redelivered: bool = False
    """The broker has handed the message out before: the run may not be the first."""
    queries: QueryStats = NO_QUERIES
    calls: CallStats = NO_CALLS
    failure: Failure | None = None

    def __post_init__(self) -> None:
        """Keeps clocks that differ between hosts, or were set back, from going below zero."""
        if self.seconds < 0:
            object.__setattr__(self, "seconds", 0.0)
        if self.queue_wait_seconds is not None and self.queue_wait_seconds < 0:
            object.__setattr__(self, "queue_wait_seconds", 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """A task's life around its run: SENT by a publisher; RECEIVED, STARTED, REVOKED, REJECTED by a worker."""

    task: str
    task_id: str
    queue: str = "unknown"
    hostname: str = "unknown"
    state: str
    registered: bool = True
    """Whether the worker knows the task; anyone can have named one that it does not."""
    correlation_id: str | None = None
    """Known of a task that will not run: it has no other line than this event's."""
    trace: TraceContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocket:
    """One WebSocket that a Channels consumer served, told when it is over."""

    correlation_id: str
    client_correlation_id: str | None = None
    trace: TraceContext | None = None
    """Of the handshake's span."""
    consumer: str
    path: str
    route: str | None = None
    """None where no URLRouter chose the consumer."""
    status: int
    """The handshake's: 101 accepted, 403 denied, 499 the client left before there was an answer."""
    close_code: int | None = None
    """Of RFC 6455, section 7.4; None where none was sent."""
    received: int = 0
    sent: int = 0
    seconds: float
    queries: QueryStats = NO_QUERIES
    calls: CallStats = NO_CALLS
    user_id: str | None = None
    client_ip: str | None = None
    failure: Failure | None = None
    """The first exception of a handler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMessage:
    """One message from a channel of a Channels worker, handled by a consumer."""

    correlation_id: str
    trace: TraceContext | None = None
    consumer: str
    channel: str
    type: str
    seconds: float
    queries: QueryStats = NO_QUERIES
    calls: CallStats = NO_CALLS
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
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
    | WebSocket
    | ChannelMessage
    | Call
    | Query
    | NewConnection
    | CacheGet
    | ModelChange
)
