"""What happened, as marks over every graph: versions that appeared, alerts that fire."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from dashboards import links
from dashboards.grafana.panels import BLUE, RED
from dashboards.grafana.targets import source
from dashboards.grafana.variables import TARGETS
from dashboards.promql import count_by, eq, like, selector
from dashboards.scrape import ALERT_STATE, ALERTS, SERVICE
from django_observe.metricset import INFO
from django_observe.vocabulary import Label

STEP: Final = "60s"


def new_versions() -> str:
    """1 for a service and version in the two minutes after its first scrape."""
    now = selector(INFO.name, *TARGETS)
    by = (Label.SERVICE, Label.VERSION)
    return f"{count_by(now, *by)} unless {count_by(f'{now} offset 2m', *by)}"


def firing() -> str:
    """The alerts that fire for the chosen services, or for no service in particular."""
    return selector(ALERTS, eq(ALERT_STATE, "firing"), like(SERVICE, "$service|"))


def deploys() -> dashboard.AnnotationQuery:
    """A mark where a version of a service was seen for the first time."""
    return _annotation("Deployments", BLUE, new_versions(), "{{service}} {{version}}", "service,version")


def alerts() -> dashboard.AnnotationQuery:
    """A region for as long as an alert fires."""
    return _annotation("Alerts", RED, firing(), "{{alertname}} {{service}}", "severity")


def _annotation(name: str, color: str, expr: str, title: str, tags: str) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(source(links.PROMETHEUS))
        .enable(enable=True)
        .icon_color(color)
        .expr(expr)
        .title_format(title)
        .text_format(title)
        .tag_keys(tags)
        .step(STEP)
    )
