"""What scraping adds to our own metrics: labels of targets, job names, and series of the stack itself.

The names are Prometheus', Loki's, Jaeger's and Grafana's; each group says where it is written down.
"""

from __future__ import annotations

from typing import Final

from django_observe.vocabulary import Label, LabelValue

JOB: Final = "job"
INSTANCE: Final = "instance"
SERVICE: Final = Label.SERVICE
ENVIRONMENT: Final = Label.ENVIRONMENT
CLUSTER: Final = "cluster"
NAMESPACE: Final = "namespace"
LE: Final = "le"
TARGET_LABELS: Final = (JOB, INSTANCE, SERVICE, ENVIRONMENT, CLUSTER, NAMESPACE)
"""What every series of a scraped service or worker carries besides its own labels."""

DJANGO_JOB: Final = "django"
CELERY_JOB: Final = "celery"
PROMETHEUS_JOB: Final = "prometheus"
ALERTMANAGER_JOB: Final = "alertmanager"
LOKI_JOB: Final = "loki"
JAEGER_JOB: Final = "jaeger"
SPAN_METRICS_JOB: Final = "jaeger-spanmetrics"
GRAFANA_JOB: Final = "grafana"
SERVICE_JOBS: Final = (DJANGO_JOB, CELERY_JOB)
STACK_JOBS: Final = (
    PROMETHEUS_JOB,
    ALERTMANAGER_JOB,
    LOKI_JOB,
    JAEGER_JOB,
    SPAN_METRICS_JOB,
    GRAFANA_JOB,
)

SERVER_ERROR: Final = "5.."
"""Values of `status` that stand for a request which failed, as a regular expression."""
FAILED_CALL: Final = f"{LabelValue.NO_ANSWER}|{SERVER_ERROR}"
"""The same of `http_response_status_code`, of calls: one that got no answer failed as well."""

# https://prometheus.io/docs/concepts/jobs_instances/ "Automatically generated labels and time series"
UP: Final = "up"
SCRAPE_DURATION: Final = "scrape_duration_seconds"
SCRAPE_SAMPLES: Final = "scrape_samples_post_metric_relabeling"
SCRAPE_SERIES_ADDED: Final = "scrape_series_added"
# https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ "Inspecting alerts"
ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"
"""The Unix time since which an alert's condition holds."""
ALERT_NAME: Final = "alertname"
ALERT_STATE: Final = "alertstate"
SEVERITY: Final = "severity"
ALERTS_LABELS: Final = (ALERT_NAME, ALERT_STATE, SEVERITY)

# https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/spanmetricsconnector
# with namespace traces.span.metrics and unit ms, through the Prometheus exporter
SPAN_CALLS: Final = "traces_span_metrics_calls_total"
SPAN_DURATION_BUCKET: Final = "traces_span_metrics_duration_milliseconds_bucket"
SPAN_NAME: Final = "span_name"
SPAN_KIND: Final = "span_kind"
SPAN_STATUS: Final = "status_code"
SPAN_SERVICE: Final = "service_name"
SPAN_ENVIRONMENT: Final = "deployment_environment_name"
SPAN_LABELS: Final = (SPAN_SERVICE, SPAN_ENVIRONMENT, SPAN_NAME, SPAN_KIND, SPAN_STATUS)
SPAN_ERROR: Final = "STATUS_CODE_ERROR"
