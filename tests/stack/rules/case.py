"""A case for promtool: series in, one alert out with its exact labels and texts, or none."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dashboards import rules
from dashboards.rules.pace import Pace
from tests.processes import require

BUILT = Path(__file__).parents[3] / "dashboards" / "built" / "prometheus"
RUNBOOK = (BUILT.parents[2] / "docs" / "runbook.md").read_text()
HEADINGS = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
GRAFANA = "http://localhost:3000"
BEFORE_SECONDS = 1800
RECORDS = {rule.name for group in rules.recording(Pace()) for rule in group.rules}
ON_RECORDS = {alert.name for alert in rules.alerts() if any(name in alert.expr for name in RECORDS)}
"""Alerts that need the recording rules; the others are quicker to try without them."""
ORDER = ["objectives", *(group.name for group in (*rules.recording(Pace()), *rules.alerting(Pace())))]
"""Groups as they are evaluated here; in Prometheus a group's place within the interval is chance."""
TARGET = {"environment": "test", "service": "orders"}
LINES = '{service_name="orders", deployment_environment_name="test"}'
"""The streams of that service there, in LogQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The one alert that fires; `since` is when it became active, in seconds from the start of the series."""

    labels: Mapping[str, str]
    summary: str
    description: str
    dashboard: str = "observe-service"
    variables: Mapping[str, str] = field(default_factory=lambda: {"service": "orders", "environment": "test"})
    logs: str = f'{LINES} | severity_text=~"ERROR|CRITICAL"'
    since: int

    def as_alert(self, name: str) -> dict[str, Mapping[str, str]]:
        """As promtool wants it; the links are composed here anew, of their filled-in parts."""
        start = str(1000 * (self.since - BEFORE_SECONDS))
        query = [
            *((f"var-{key}", value) for key, value in self.variables.items()),
            ("from", start),
            ("to", "now"),
        ]
        search = {"expr": self.logs, "queryType": "range"}
        source = {"refId": "A", "datasource": {"type": "loki", "uid": "loki"}}
        pane = {"datasource": "loki", "queries": [source | search], "range": {"from": start, "to": "now"}}
        panes = quote(json.dumps({"observe": pane}, separators=(",", ":")), safe="")
        return {
            "exp_labels": self.labels,
            "exp_annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{GRAFANA}/d/observe-runbook?viewPanel=panel-{HEADINGS.index(name) + 1}",
                "dashboard_url": f"{GRAFANA}/d/{self.dashboard}?" + "&".join(f"{k}={v}" for k, v in query),
                "logs_url": f"{GRAFANA}/explore?schemaVersion=1&orgId=1&panes={panes}",
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What Prometheus is given, and what it then says at `at` seconds; `expected` None: nothing."""

    alert: str
    title: str
    series: Mapping[str, str]
    """Series, and its values in promtool's notation, one each `step` seconds."""
    at: int
    expected: Expected | None = None
    step: int = 15
    evaluation: int = 15
    """Seconds from one evaluation of the rules to the next."""
    objectives: str = ""
    """What stands in objectives.yml, if anything."""

    @property
    def name(self) -> str:
        """For lists."""
        return f"{self.alert} {'fires' if self.expected else 'stays quiet'}: {self.title}"

    def run(self, folder: Path) -> str:
        """What promtool has against the built rules; empty when they do as expected."""
        files = [str(BUILT / "alerts.yml")]
        if self.alert in ON_RECORDS:
            files.append(str(BUILT / "recording.yml"))
        if self.objectives:
            (folder / "objectives.yml").write_text(self.objectives)
            files.append("objectives.yml")
        (folder / "case.yml").write_text(json.dumps(self._document(files)))
        promtool = require("promtool", "prometheus")
        done = subprocess.run(
            [promtool, "test", "rules", folder / "case.yml"], check=False, capture_output=True, text=True
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _document(self, files: list[str]) -> dict[str, Any]:
        wanted = [self.expected.as_alert(self.alert)] if self.expected else []
        check = {"eval_time": f"{self.at}s", "alertname": self.alert, "exp_alerts": wanted}
        return {
            "rule_files": files,
            "group_eval_order": ORDER,
            "evaluation_interval": f"{self.evaluation}s",
            "tests": [
                {
                    "interval": f"{self.step}s",
                    "input_series": [{"series": key, "values": text} for key, text in self.series.items()],
                    "alert_rule_test": [check],
                }
            ],
        }


def series(metric: str, /, **labels: str) -> str:
    """A series of orders in the environment test, as the job django exposes it unless told otherwise."""
    given = {"job": "django", "instance": "orders:8000", **TARGET, **labels}
    return f"{metric}{{{','.join(f'{key}={json.dumps(value)}' for key, value in given.items() if value)}}}"


def ramp(*stretches: tuple[float, int]) -> str:
    """The values of a counter that grows by so much, so many times, and then otherwise."""
    value, parts = 0.0, ["0"]
    for growth, times in stretches:
        parts.append(f"{value + growth:g}+{growth:g}x{times - 1}")
        value += growth * times
    return " ".join(parts)
