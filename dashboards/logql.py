"""LogQL composed of small pure functions: a few index labels, and our log fields as structured metadata."""

from __future__ import annotations

from typing import Final

from dashboards.promql import eq, like, ne, quoted
from django_observe.vocabulary import Event, Field

SERVICE_NAME: Final = "service_name"
SERVICE_NAMESPACE: Final = "service_namespace"
ENVIRONMENT_NAME: Final = "deployment_environment_name"
INDEX_LABELS: Final = (SERVICE_NAME, SERVICE_NAMESPACE, ENVIRONMENT_NAME)
"""Those our Loki configuration makes of the resource attributes of OTLP; there is no other."""
SEVERITY: Final = "severity_text"
"""Structured metadata of every OTLP log record: https://grafana.com/docs/loki/latest/send-data/otel/."""
ERROR_LEVELS: Final = "ERROR|CRITICAL"


def stream(*matchers: str) -> str:
    """A stream selector; without matchers every service's lines."""
    return "{" + ", ".join(matchers or (like(SERVICE_NAME, ".+"),)) + "}"


def where(expression: str, *filters: str) -> str:
    """Keeps lines whose structured metadata passes every filter."""
    return " | ".join((expression, *filters))


def errors(*matchers: str) -> str:
    """The ERROR and CRITICAL lines of the selected streams."""
    return where(stream(*matchers), like(SEVERITY, ERROR_LEVELS))


def correlated(correlation_id: str, *matchers: str) -> str:
    """Every line of one correlation ID; none for an empty one, which would be every line that has no ID."""
    return where(stream(*matchers), eq(Field.CORRELATION_ID, correlation_id), ne(Field.CORRELATION_ID, ""))


def tasks(expression: str) -> str:
    """Of these lines, the one that each Celery task run leaves."""
    return where(expression, eq(Field.EVENT, Event.TASK))


def line_format(template: str) -> str:
    """The stage that prints each line by a Go template."""
    return f"line_format {quoted(template)}"


def requests(expression: str) -> str:
    """Of these lines, the one that each request leaves."""
    return where(expression, eq(Field.EVENT, Event.REQUEST))


def total(expression: str, *labels: str) -> str:
    """How many lines there are in the chosen time."""
    return f"sum by ({', '.join(labels)}) (count_over_time({expression} [$__range]))"


def greatest(expression: str, field: str) -> str:
    """The greatest value of a numeric field in the chosen time."""
    return f"max (max_over_time({expression} | unwrap {field} [$__range]))"


def count(expression: str, *labels: str, window: str = "$__auto") -> str:
    """How many lines came per `window`."""
    return f"sum by ({', '.join(labels)}) (count_over_time({expression} [{window}]))"
