"""What a Channels consumer served, as frozen records: a WebSocket, a message of a worker's channel."""

from __future__ import annotations

from dataclasses import dataclass

from django_observe.stats import NO_CALLS, NO_QUERIES, CallStats, Failure, QueryStats
from django_observe.tracecontext import TraceContext


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
    """Of RFC 6455, section 7.4; None where nobody sent one."""
    aborted: bool = False
    """The client left before there was an answer, or it ended without a close of either side."""
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
