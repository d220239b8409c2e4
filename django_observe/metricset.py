"""Every metric family this package exposes; imports neither Django nor prometheus_client.

The `HTTP_*` and `DB_*` families are django-prometheus' own, the `TASK_*` ones celery-exporter's, in the
spelling in which those register them, so that the dashboards written for them work unchanged.
"""

from __future__ import annotations

from typing import Final

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
_DATABASE = (Label.ALIAS, Label.VENDOR)
DB_NEW_CONNECTIONS: Final = Metric(
    "django_db_new_connections_total",
    "counter",
    "Counter of created connections by database and by vendor. Those that failed are counted by "
    "django-prometheus' own database backends only: Django has no signal for them.",
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
_TASK = (Label.NAME, Label.HOSTNAME, Label.QUEUE_NAME)


def _task(name: str, help_text: str, *more: str) -> Metric:
    return Metric(f"celery_task_{name}", "counter", help_text, (*_TASK, *more))


TASK_SENT: Final = _task("sent_total", "Tasks published.")
TASK_RECEIVED: Final = _task("received_total", "Tasks a worker took from its queue.")
TASK_STARTED: Final = _task("started_total", "Task runs begun.")
TASK_SUCCEEDED: Final = _task("succeeded_total", "Task runs that succeeded.")
TASK_FAILED: Final = _task("failed_total", "Task runs that failed, by exception type.", Label.EXCEPTION)
TASK_REJECTED: Final = _task("rejected_total", "Tasks rejected by a worker or by their own code.")
TASK_REVOKED: Final = _task("revoked_total", "Tasks revoked or expired.")
TASK_RETRIED: Final = _task("retried_total", "Task runs that ended in a retry.")
TASK_RUNTIME: Final = Metric(
    "celery_task_runtime", "histogram", "Seconds a task ran, however it ended.", _TASK, RUNTIME_BUCKETS
)
TASK_QUEUE_WAIT: Final = Metric(
    "celery_task_queue_wait_time",
    "histogram",
    "Seconds between a task's publication and its start.",
    _TASK,
    LATENCY_BUCKETS,
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

ALL_FAMILIES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
