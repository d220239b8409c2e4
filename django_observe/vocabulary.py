"""Every name this package emits: metrics, labels, log fields, headers, span attributes.

Nothing outside this module spells one of them, so that dashboards, alerts and documentation, which import it,
cannot drift from the code. It imports neither Django nor anything else of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MetricKind = Literal["counter", "gauge", "histogram"]


class Header:
    """HTTP and message headers, in the spelling of the wire."""

    CORRELATION_ID: Final = "X-Correlation-ID"
    REQUEST_ID: Final = "X-Request-ID"
    REQUEST_START: Final = "X-Request-Start"
    FORWARDED_FOR: Final = "X-Forwarded-For"
    FORWARDED: Final = "Forwarded"
    REAL_IP: Final = "X-Real-IP"
    FORWARDING: Final = (
        *(FORWARDED_FOR, FORWARDED, REAL_IP, "Via"),
        *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server"),
        *("X-Client-IP", "X-Cluster-Client-IP", "X-Original-Forwarded-For", "X-Envoy-External-Address"),
        *("CF-Connecting-IP", "True-Client-IP", "Fastly-Client-IP"),
    )
    """What proxies add: whoever sends one of these is not the peer itself."""
    TRACEPARENT: Final = "traceparent"
    TRACESTATE: Final = "tracestate"
    TASK_PUBLISHED_AT: Final = "x_published_at"
    TASK_SCHEDULE: Final = "x_schedule"


class Attribute:
    """Span attributes beyond OpenTelemetry's semantic conventions."""

    CORRELATION_ID: Final = "correlation_id"
    CLIENT_CORRELATION_ID: Final = "client_correlation_id"
    DB_QUERY_COUNT: Final = "django.db.query_count"
    DB_QUERY_REPEAT: Final = "django.db.query_repeat"
    QUEUE_WAIT_MS: Final = {"celery": "celery.queue_wait_ms", "django": "django.tasks.queue_wait_ms"}
    CLOCK_SKEW_MS: Final = {"celery": "celery.clock_skew_ms", "django": "django.tasks.clock_skew_ms"}
    SCHEDULE: Final = "celery.schedule"
    REDELIVERED: Final = "celery.redelivered"
    CONSUMER: Final = "channels.consumer"
    MESSAGE_TYPE: Final = "asgi.event.type"
    """As OpenTelemetry's ASGI instrumentation calls it."""


class Event:
    """Values of the log field `event`: what kind of line this is."""

    REQUEST: Final = "request"
    REQUEST_ABORTED: Final = "request_aborted"
    TASK: Final = "task"
    WEBSOCKET: Final = "websocket"
    WEBSOCKET_ABORTED: Final = "websocket_aborted"
    CHANNEL: Final = "channel"


class LoggerName:
    """Loggers of our own lines; they do not propagate."""

    REQUEST: Final = "django_observe.request"
    TASK: Final = "django_observe.task"
    CONSUMER: Final = "django_observe.consumer"


class Field:
    """Fields of a JSON log line. Flat and stable: renaming one is a breaking change."""

    TIMESTAMP: Final = "timestamp"
    LEVEL: Final = "level"
    LOGGER: Final = "logger"
    MESSAGE: Final = "message"
    SERVICE: Final = "service"
    ENVIRONMENT: Final = "environment"
    VERSION: Final = "version"
    CORRELATION_ID: Final = "correlation_id"
    CLIENT_CORRELATION_ID: Final = "client_correlation_id"
    TRACE_ID: Final = "trace_id"
    SPAN_ID: Final = "span_id"
    EVENT: Final = "event"
    METHOD: Final = "method"
    ROUTE: Final = "route"
    PATH: Final = "path"
    STATUS: Final = "status"
    DURATION_MS: Final = "duration_ms"
    QUEUE_MS: Final = "queue_ms"
    DB_COUNT: Final = "db_count"
    DB_MS: Final = "db_ms"
    DB_REPEAT: Final = "db_repeat"
    HTTP_COUNT: Final = "http_count"
    HTTP_MS: Final = "http_ms"
    USER_ID: Final = "user_id"
    CLIENT_IP: Final = "client_ip"
    BYTES_OUT: Final = "bytes_out"
    TASK: Final = "task"
    TASK_ID: Final = "task_id"
    QUEUE: Final = "queue"
    STATE: Final = "state"
    ATTEMPT: Final = "attempt"
    QUEUE_WAIT_MS: Final = "queue_wait_ms"
    CLOCK_SKEW_MS: Final = "clock_skew_ms"
    SCHEDULE: Final = "schedule"
    REDELIVERED: Final = "redelivered"
    CONSUMER: Final = "consumer"
    CLOSE_CODE: Final = "close_code"
    MESSAGES_RECEIVED: Final = "messages_received"
    MESSAGES_SENT: Final = "messages_sent"
    CHANNEL: Final = "channel"
    MESSAGE_TYPE: Final = "message_type"
    ERROR_TYPE: Final = "error_type"
    ERROR_MESSAGE: Final = "error_message"
    STACK: Final = "stack"


class Label:
    """Metric labels."""

    VIEW: Final = "view"
    METHOD: Final = "method"
    STATUS: Final = "status"
    TRANSPORT: Final = "transport"
    TEMPLATENAME: Final = "templatename"
    CHARSET: Final = "charset"
    TYPE: Final = "type"
    ALIAS: Final = "alias"
    VENDOR: Final = "vendor"
    NAME: Final = "name"
    HOSTNAME: Final = "hostname"
    QUEUE_NAME: Final = "queue_name"
    EXCEPTION: Final = "exception"
    SIGNAL: Final = "signal"
    REASON: Final = "reason"
    PLACE: Final = "place"
    METRIC: Final = "metric"
    SERVER_ADDRESS: Final = "server_address"
    HTTP_REQUEST_METHOD: Final = "http_request_method"
    HTTP_RESPONSE_STATUS_CODE: Final = "http_response_status_code"
    TRACE_ID: Final = "trace_id"
    SERVICE: Final = "service"
    VERSION: Final = "version"
    ENVIRONMENT: Final = "environment"
    CONNECTION: Final = "connection"
    MODEL: Final = "model"
    BACKEND: Final = "backend"
    BREAKER: Final = "breaker"
    STATE: Final = "state"


class LabelValue:
    """Label values that stand for many, so that no client can make a new time series."""

    OTHER_METHOD: Final = "<invalid method>"
    UNNAMED_VIEW: Final = "<unnamed view>"
    OTHER: Final = "other"
    NO_ANSWER: Final = ""
    """The status of a call without an answer: to Prometheus an empty label is an absent one."""


class BreakerState:
    """Values of the label `state` of a circuit breaker."""

    CLOSED: Final = "closed"
    OPEN: Final = "open"
    HALF_OPEN: Final = "half_open"
    ALL: Final = (CLOSED, OPEN, HALF_OPEN)


UNMATCHED_ROUTE: Final = "unmatched"
"""The log field `route` of a request that no URL pattern matched."""

KNOWN_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"}
)
"""RFC 9110 section 9 and RFC 5789; django-prometheus folds every other verb as well."""

LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75)
"""Seconds; the buckets of django-prometheus."""

RUNTIME_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Seconds; the buckets of celery-exporter (prometheus_client's defaults)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric family as it is registered; the suffixes of the exposed samples follow from its kind."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] | None = None

    @property
    def total(self) -> str:
        """The exposed sample of a counter (OpenMetrics 1.0, section "Counter")."""
        return self.name if self.name.endswith("_total") else f"{self.name}_total"

    @property
    def bucket(self) -> str:
        """The exposed bucket sample of a histogram."""
        return f"{self.name}_bucket"

    @property
    def count(self) -> str:
        """The exposed count sample of a histogram."""
        return f"{self.name}_count"

    @property
    def sum(self) -> str:
        """The exposed sum sample of a histogram."""
        return f"{self.name}_sum"
