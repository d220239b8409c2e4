"""The metric families about HTTP requests; imports neither Django nor prometheus_client.

They are django-prometheus' own, in the spelling in which it registers them: the dashboards written for it
work unchanged.
"""

from __future__ import annotations

from typing import Final

from django_observe.vocabulary import LATENCY_BUCKETS, Label, Metric

BYTE_BUCKETS: Final = (0, *(2**power for power in range(30)))
"""Bytes; the buckets of django-prometheus."""

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
