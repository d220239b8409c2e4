"""Recording rules and alerts, built from the names the package emits."""

from __future__ import annotations

from dashboards.rules import (
    burn,
    celery,
    database,
    dependencies,
    errorlogs,
    presence,
    slo,
    stack,
    telemetry,
    versions,
    yamlfile,
)
from dashboards.rules.pace import Pace
from dashboards.rules.rule import Alert, Group

ALERT_MODULES = (burn, presence, dependencies, celery, database, versions, telemetry, stack)


def recording(pace: Pace) -> list[Group]:
    """The groups of recording rules."""
    return [*slo.groups(pace), *versions.recording(pace)]


def alerting(pace: Pace) -> list[Group]:
    """The groups of alerts that Prometheus evaluates."""
    return [group for module in ALERT_MODULES for group in module.groups(pace)]


def alerts(pace: float = 1) -> list[Alert]:
    """Every alert: Prometheus' and the one of Loki's ruler."""
    length = Pace(pace)
    return [alert for group in (*alerting(length), *errorlogs.groups(length)) for alert in group.alerts]


def files(pace: float = 1) -> dict[str, str]:
    """The rule files: path below dashboards/built/, text. `pace` divides every duration in them."""
    length = Pace(pace)
    return {
        "prometheus/recording.yml": yamlfile.text(recording(length)),
        "prometheus/alerts.yml": yamlfile.text(alerting(length)),
        "loki/rules.yml": yamlfile.text(errorlogs.groups(length), started=False),
    }
