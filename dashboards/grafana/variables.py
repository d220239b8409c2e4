"""The variables of the dashboards and the matchers and links that use them."""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.grafana.panels import Link, Variable
from dashboards.promql import like, rate, selector, sum_by
from dashboards.scrape import ENVIRONMENT, JOB, SERVICE, SERVICE_JOBS, UP
from django_observe.vocabulary import Metric

_SERVICES: Final = like(JOB, "|".join(SERVICE_JOBS))
_CHOSEN_ENVIRONMENT: Final = like(ENVIRONMENT, "$environment")

ENVIRONMENTS: Final = Variable(
    name="environment",
    label="Environment",
    about="Where it runs: production, staging ... The label `environment` of the scraped targets.",
    query=f"label_values({selector(UP, _SERVICES)}, {ENVIRONMENT})",
    many=True,
)
MANY_SERVICES: Final = Variable(
    name="service",
    label="Service",
    about="The services of the chosen environments; any number of them.",
    query=f"label_values({selector(UP, _SERVICES, _CHOSEN_ENVIRONMENT)}, {SERVICE})",
    many=True,
    all_value=".+",
)
ONE_SERVICE: Final = Variable(
    name="service",
    label="Service",
    about="The service this dashboard is about. Several, or all, are added up; Jaeger's panel wants one.",
    query=MANY_SERVICES.query,
    many=True,
    all_at_first=False,
    all_value=".+",
)
CARRIED_SERVICE: Final = Variable(
    name="service",
    label="Service",
    about="Filters nothing here: kept so that the links to the other dashboards still know it.",
    query=MANY_SERVICES.query,
    many=True,
    hidden=True,
    all_value=".+",
)
CORRELATION_ID: Final = Variable(
    name="correlation_id",
    label="Correlation ID",
    about="From an error page, a response header or a log line: the X-Correlation-ID of one journey.",
)
TRACE_ID: Final = Variable(
    name="trace_id",
    label="Trace ID",
    about="Which trace to draw. Empty: the one whose ID is the correlation ID, as it is when we made it.",
)
TRACE: Final = Variable(
    name="trace",
    label="Trace",
    about="The first 32 hexadecimal digits of trace ID and correlation ID: PromQL is asked to join the two.",
    query='query_result(label_replace(vector(1), "trace", "${trace_id}${correlation_id}", "job", ".*"))',
    regex='/trace="([0-9a-f]{32})/',
    hidden=True,
)

TARGETS: Final = (_CHOSEN_ENVIRONMENT, like(SERVICE, "$service"))
"""Matchers of every series of a scraped service or worker."""
STREAMS: Final = (
    like(logql.SERVICE_NAME, "$service"),
    like(logql.ENVIRONMENT_NAME, "$environment"),
)
"""The same for log streams."""


def series(name: str, *matchers: str) -> str:
    """The chosen services' series of that name."""
    return selector(name, *TARGETS, *matchers)


def per_second(metric: Metric, *by: str) -> str:
    """How fast the chosen services' counter grows."""
    return sum_by(rate(series(metric.total)), *by)


def to(uid: str, title: str, **variables: str) -> Link:
    """A link to a dashboard that keeps time and environment, and the service unless another is given."""
    kept = ["${environment:queryparam}"]
    if "service" not in variables:
        kept.append("${service:queryparam}")
    query = [f"var-{name}={links.encoded(value)}" for name, value in variables.items()]
    return Link(title, f"/d/{uid}?" + "&".join([*kept, *query, "${__url_time_range}"]))


def to_runbook() -> Link:
    """To what each alert means and how it ends; it has no variables."""
    return Link("Runbook", f"/d/{links.RUNBOOK}?${{__url_time_range}}")


def to_service(label: str = "${__field.labels.service}") -> Link:
    """To the dashboard of the service that was clicked."""
    return to(links.SERVICE, "What is wrong in this service", service=label)


def to_errors(service: str = "${service:pipe}") -> Link:
    """To Explore with the error lines of the chosen services."""
    lines = logql.errors(
        like(logql.SERVICE_NAME, service), like(logql.ENVIRONMENT_NAME, "${environment:pipe}")
    )
    return Link("Error log lines", links.logs_path(lines, "${__from}", "${__to}"))


def to_failed_traces(service: str = "${service}") -> Link:
    """To Explore with the failed traces of one service."""
    return Link("Failed traces", links.traces_path(service, "${__from}", "${__to}", tags="error=true"))
