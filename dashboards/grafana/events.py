"""What happened, as marks over every graph: versions that appeared, alerts that fire."""

from __future__ import annotations

from typing import Final

from dashboards.grafana.panels import BLUE, RED, Mark
from dashboards.grafana.variables import TARGETS
from dashboards.promql import count_by, eq, like, ne, selector
from dashboards.scrape import ALERT_STATE, ALERTS, SERVICE, SEVERITY
from django_observe.metricset import INFO
from django_observe.vocabulary import Label


def new_versions() -> str:
    """1 for a service and version in the two minutes after its first scrape."""
    seen = selector(INFO.name, *TARGETS)
    by = (Label.SERVICE, Label.VERSION)
    return f"{count_by(seen, *by)} unless {count_by(f'{seen} offset 2m', *by)}"


def firing() -> str:
    """The alerts that fire for the chosen services, or for no service in particular; not the Watchdog."""
    return selector(ALERTS, eq(ALERT_STATE, "firing"), ne(SEVERITY, "none"), like(SERVICE, "$service|"))


MARKS: Final = (
    Mark("Deployments", BLUE, new_versions(), "{{service}} {{version}}", "service,version"),
    Mark("Alerts", RED, firing(), "{{alertname}} {{service}}", "severity"),
)
"""Where a version of a service was seen for the first time, and for as long as an alert fires."""
