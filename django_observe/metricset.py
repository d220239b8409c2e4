"""Every metric family this package exposes; imports neither Django nor prometheus_client.

The `HTTP_*`, `DB_*`, `MODEL_*`, `CACHE_*` and `MIGRATIONS_*` families are django-prometheus' own, in the spelling
in which it registers them, so that the dashboards written for it work unchanged. Celery's are in taskmetricset.py.
"""

from __future__ import annotations

from typing import Final

from django_observe.taskmetricset import TASK_FAMILIES
from django_observe.vocabulary import LATENCY_BUCKETS, RUNTIME_BUCKETS, Label, Metric

BYTE_BUCKETS: Final = (0, *(2**power for power in range(30)))
"""Bytes; the buckets of django-prometheus."""

BOUNDED_LABELS: Final = frozenset(
    {
        Label.ALIAS,
        Label.VENDOR,
        Label.METHOD,
        Label.STATUS,
        Label.TRANSPORT,
        Label.HTTP_REQUEST_METHOD,
        Label.HTTP_RESPONSE_STATUS_CODE,
        "le",
    }
)
"""Labels whose values are few by nature; the others are folded when a family has too many label sets."""

HTTP_REQUESTS_BEFORE: Final = Metric(
    "django_http_requests_before_middlewares_total",
    "counter",
    "Total count of requests before middlewares run.",
)
HTTP_RESPONSES_BEFORE: Final = Metric(
    "django_http_responses_before_middlewares_total",
    "counter",
    "Total count of responses before middlewares run.",
)
HTTP_LATENCY_BEFORE: Final = Metric(
    "django_http_requests_latency_including_middlewares_seconds",
    "histogram",
    "Histogram of requests processing time (including middleware processing time).",
    (),
    LATENCY_BUCKETS,
)
HTTP_UNKNOWN_LATENCY_BEFORE: Final = Metric(
    "django_http_requests_unknown_latency_including_middlewares_total",
    "counter",
    "Count of requests for which the latency was unknown (when computing "
    "django_http_requests_latency_including_middlewares_seconds).",
)
HTTP_LATENCY: Final = Metric(
    "django_http_requests_latency_seconds_by_view_method",
    "histogram",
    "Histogram of request processing time labelled by view.",
    (Label.VIEW, Label.METHOD),
    LATENCY_BUCKETS,
)
HTTP_UNKNOWN_LATENCY: Final = Metric(
    "django_http_requests_unknown_latency_total",
    "counter",
    "Count of requests for which the latency was unknown.",
)
HTTP_AJAX_REQUESTS: Final = Metric("django_http_ajax_requests_total", "counter", "Count of AJAX requests.")
HTTP_REQUESTS_BY_METHOD: Final = Metric(
    "django_http_requests_total_by_method", "counter", "Count of requests by method.", (Label.METHOD,)
)
HTTP_REQUESTS_BY_TRANSPORT: Final = Metric(
    "django_http_requests_total_by_transport",
    "counter",
    "Count of requests by transport.",
    (Label.TRANSPORT,),
)
HTTP_REQUESTS: Final = Metric(
    "django_http_requests_total_by_view_transport_method",
    "counter",
    "Count of requests by view, transport, method.",
    (Label.VIEW, Label.TRANSPORT, Label.METHOD),
)
HTTP_REQUEST_BYTES: Final = Metric(
    "django_http_requests_body_total_bytes",
    "histogram",
    "Histogram of requests by body size.",
    (),
    BYTE_BUCKETS,
)
HTTP_RESPONSES_BY_TEMPLATE: Final = Metric(
    "django_http_responses_total_by_templatename",
    "counter",
    "Count of responses by template name.",
    (Label.TEMPLATENAME,),
)
HTTP_RESPONSES_BY_STATUS: Final = Metric(
    "django_http_responses_total_by_status", "counter", "Count of responses by status.", (Label.STATUS,)
)
HTTP_RESPONSES: Final = Metric(
    "django_http_responses_total_by_status_view_method",
    "counter",
    "Count of responses by status, view, method.",
    (Label.STATUS, Label.VIEW, Label.METHOD),
)
HTTP_RESPONSE_BYTES: Final = Metric(
    "django_http_responses_body_total_bytes",
    "histogram",
    "Histogram of responses by body size.",
    (),
    BYTE_BUCKETS,
)
HTTP_RESPONSES_BY_CHARSET: Final = Metric(
    "django_http_responses_total_by_charset", "counter", "Count of responses by charset.", (Label.CHARSET,)
)
HTTP_RESPONSES_STREAMING: Final = Metric(
    "django_http_responses_streaming_total", "counter", "Count of streaming responses."
)
HTTP_EXCEPTIONS_BY_TYPE: Final = Metric(
    "django_http_exceptions_total_by_type", "counter", "Count of exceptions by object type.", (Label.TYPE,)
)
HTTP_EXCEPTIONS_BY_VIEW: Final = Metric(
    "django_http_exceptions_total_by_view", "counter", "Count of exceptions by view.", (Label.VIEW,)
)
HTTP_ACTIVE_REQUESTS: Final = Metric(
    "http_server_active_requests",
    "gauge",
    "Requests being served right now (OpenTelemetry's http.server.active_requests).",
)
MODEL_INSERTS: Final = Metric(
    "django_model_inserts_total", "counter", "Number of insert operations by model.", (Label.MODEL,)
)
MODEL_UPDATES: Final = Metric(
    "django_model_updates_total", "counter", "Number of update operations by model.", (Label.MODEL,)
)
MODEL_DELETES: Final = Metric(
    "django_model_deletes_total", "counter", "Number of delete operations by model.", (Label.MODEL,)
)
MIGRATIONS_APPLIED: Final = Metric(
    "django_migrations_applied_total",
    "gauge",
    "Count of applied migrations by database.",
    (Label.CONNECTION,),
)
MIGRATIONS_UNAPPLIED: Final = Metric(
    "django_migrations_unapplied_total",
    "gauge",
    "Count of unapplied migrations by database.",
    (Label.CONNECTION,),
)
CACHE_GETS: Final = Metric(
    "django_cache_get_total", "counter", "Total get requests on cache.", (Label.BACKEND,)
)
CACHE_HITS: Final = Metric("django_cache_get_hits_total", "counter", "Total hits on cache.", (Label.BACKEND,))
CACHE_MISSES: Final = Metric(
    "django_cache_get_misses_total", "counter", "Total misses on cache.", (Label.BACKEND,)
)
CACHE_FAILURES: Final = Metric(
    "django_cache_get_fail_total", "counter", "Total get request failures by cache.", (Label.BACKEND,)
)
_DATABASE = (Label.ALIAS, Label.VENDOR)
DB_NEW_CONNECTIONS: Final = Metric(
    "django_db_new_connections_total",
    "counter",
    "Counter of created connections by database and by vendor.",
    _DATABASE,
)
DB_NEW_CONNECTION_ERRORS: Final = Metric(
    "django_db_new_connection_errors_total",
    "counter",
    "Counter of connection failures by database and by vendor.",
    _DATABASE,
)
DB_EXECUTE: Final = Metric(
    "django_db_execute_total",
    "counter",
    "Counter of executed statements by database and by vendor, including bulk executions.",
    _DATABASE,
)
DB_EXECUTE_MANY: Final = Metric(
    "django_db_execute_many_total",
    "counter",
    "Counter of executed statements in bulk operations by database and by vendor.",
    _DATABASE,
)
DB_ERRORS: Final = Metric(
    "django_db_errors_total",
    "counter",
    "Counter of execution errors by database, vendor and exception type.",
    (*_DATABASE, Label.TYPE),
)
DB_QUERY_DURATION: Final = Metric(
    "django_db_query_duration_seconds",
    "histogram",
    "Histogram of query duration by database and vendor.",
    _DATABASE,
    LATENCY_BUCKETS,
)
BREAKER_STATE: Final = Metric(
    "observe_circuit_breaker_state",
    "gauge",
    "1 for the state a circuit breaker (of pybreaker) is in, 0 for the others; summed over processes.",
    (Label.BREAKER, Label.STATE),
)
CLIENT_DURATION: Final = Metric(
    "http_client_request_duration_seconds",
    "histogram",
    "Seconds an outbound HTTP request took (OpenTelemetry's http.client.request.duration).",
    (Label.SERVER_ADDRESS, Label.HTTP_REQUEST_METHOD, Label.HTTP_RESPONSE_STATUS_CODE),
    RUNTIME_BUCKETS,
)

TELEMETRY_ACCEPTED: Final = Metric(
    "observe_telemetry_accepted_total",
    "counter",
    "Records taken for export: exported + dropped + queued.",
    (Label.SIGNAL,),
)
TELEMETRY_EXPORTED: Final = Metric(
    "observe_telemetry_exported_total", "counter", "Records a backend took over.", (Label.SIGNAL,)
)
TELEMETRY_DROPPED: Final = Metric(
    "observe_telemetry_dropped_total",
    "counter",
    "Records that were lost, by reason.",
    (Label.SIGNAL, Label.REASON),
)
TELEMETRY_QUEUED: Final = Metric(
    "observe_telemetry_queued", "gauge", "Records waiting for export.", (Label.SIGNAL,)
)
TELEMETRY_LAST_SUCCESS: Final = Metric(
    "observe_telemetry_last_success_timestamp_seconds",
    "gauge",
    "Unix time at which a backend last took records over.",
    (Label.SIGNAL,),
)
INTERNAL_FAILURES: Final = Metric(
    "observe_internal_failures_total",
    "counter",
    "Faults of the telemetry itself that were kept from the service.",
    (Label.PLACE,),
)
METRIC_OVERFLOW: Final = Metric(
    "observe_metric_overflow_total",
    "counter",
    "Observations folded into 'other' because their family has too many label sets.",
    (Label.METRIC,),
)
INFO: Final = Metric(
    "observe_info",
    "gauge",
    "Which service this is.",
    (Label.SERVICE, Label.VERSION, Label.ENVIRONMENT),
)
SCRAPE_INCOMPLETE: Final = Metric(
    "observe_scrape_incomplete",
    "gauge",
    "1: this page shows one of several worker processes. "
    "Start gunicorn with -c python:django_observe.gunicorn, or "
    "give every worker the same fresh directory in PROMETHEUS_MULTIPROC_DIR.",
)

ALL_FAMILIES: Final = (
    *(value for value in list(globals().values()) if isinstance(value, Metric)),
    *TASK_FAMILIES,
)
