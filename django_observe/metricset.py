"""Every metric family this package exposes; imports neither Django nor prometheus_client.

Requests, databases and tasks have files of their own. Those of requests and databases are found here as well:
dashboards and alerts have one place to ask.
"""

from __future__ import annotations

from typing import Final

from django_observe.databasemetricset import *  # noqa: F403 - see above
from django_observe.requestmetricset import *  # noqa: F403 - see above
from django_observe.taskmetricset import TASK_FAMILIES
from django_observe.vocabulary import RUNTIME_BUCKETS, Label, Metric

BOUNDED_LABELS: Final = frozenset(
    {
        Label.ALIAS,
        Label.VENDOR,
        Label.METHOD,
        Label.STATUS,
        Label.STATE,
        Label.TRANSPORT,
        Label.HTTP_REQUEST_METHOD,
        Label.HTTP_RESPONSE_STATUS_CODE,
        "le",
    }
)
"""Labels whose values are few by nature; the others are folded when a family has too many label sets."""

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
BREAKER_STATE: Final = Metric(
    "observe_circuit_breaker_state",
    "gauge",
    "Circuit breakers (of pybreaker) in a state, by name: each process has its own.",
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
