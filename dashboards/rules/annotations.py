"""What an alert says and where it links to: Go templates that Prometheus fills in.

An alert's start is asked of ALERTS_FOR_STATE, whose value is the time at which the alert became active: so
text and links stay the same from one evaluation to the next
(https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/).
Backquotes, because a template within a link's JSON must hold no double quote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboards import links, logql, runbook
from dashboards.promql import eq
from dashboards.rules.pace import MINUTE
from django_observe.vocabulary import Label

SINCE: Final = "[since]"
"""In a summary: the time of day at which the alert's condition became true."""
WHO: Final = "[who]"
"""In a summary: service and environment."""
SHARE: Final = "{{ $value | humanizePercentage }}"
COUNT: Final = "{{ printf `%.0f` $value }}"
DURATION: Final = "{{ $value | humanizeDuration }}"
"""The expression's value in a text."""
BEFORE: Final = 30 * MINUTE
"""Links show this much of what was before."""
_runbook: str | None = None


def use_runbook(url: str | None) -> None:
    """Bakes the address of a runbook elsewhere, a heading for each alert, into annotations made after."""
    global _runbook
    _runbook = url


def value(label: str) -> str:
    """The label's value in a text."""
    return f"{{{{ $labels.{label} }}}}"


def encoded_value(label: str) -> str:
    """The label's value in a URL (`urlquery` is Go's own)."""
    return f"{{{{ $labels.{label} | urlquery }}}}"


CONCERNED: Final = (
    eq(logql.SERVICE_NAME, encoded_value(Label.SERVICE)),
    eq(logql.ENVIRONMENT_NAME, encoded_value(Label.ENVIRONMENT)),
)
"""In LogQL: the streams of the alert's service in its environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """The annotations of one alert; `dashboards.rules.rule.Alert` explains the fields."""

    alert: str
    severity: str
    keys: tuple[str, ...]
    dashboard: str
    variables: Mapping[str, str] | None
    logs: str
    started: bool

    def all(self, summary: str, description: str) -> dict[str, str]:
        """Every annotation by its name."""
        return {
            "summary": self._text(summary),
            "description": self._text(description),
            "runbook_url": self._section(),
            "dashboard_url": links.dashboard_url(self.dashboard, self._variables(), self._start()),
            "logs_url": links.logs_url(self.logs or self._errors(), self._start()),
        }

    def _section(self) -> str:
        if _runbook is None:
            return links.panel_url(links.RUNBOOK, runbook.panel_id(self.alert))
        return f"{_runbook}#{self.alert.lower()}"

    def _text(self, text: str) -> str:
        who = f"{value(Label.SERVICE)} ({value(Label.ENVIRONMENT)})"
        return text.replace(WHO, who).replace(SINCE, self._since())

    def _since(self) -> str:
        clock = "{{ (. | first | value | toTime).Format `15:04` }}"
        return f"since {{{{ with {self._active_at()} | query }}}}{clock}{{{{ end }}}} UTC"

    def _start(self) -> str:
        if not self.started:
            return "now-1h"
        milliseconds = "{{ . | first | value | printf `%.0f` }}"
        query = self._active_at(f"1000 * ((%s) - {BEFORE})")
        return f"{{{{ with {query} | query }}}}{milliseconds}{{{{ end }}}}"

    def _active_at(self, form: str = "%s") -> str:
        matchers = [f"alertname='{self.alert}'", f"severity='{self.severity}'"]
        matchers += [f"{key}=%q" for key in self.keys]
        query = form.replace("%s", f"min(ALERTS_FOR_STATE{{{','.join(matchers)}}}) or vector(time())")
        values = "".join(f" $labels.{key}" for key in self.keys)
        return f"printf `{query}`{values}"

    def _variables(self) -> Mapping[str, str]:
        if self.variables is not None:
            return self.variables
        return {key: encoded_value(key) for key in self.keys if key in (Label.SERVICE, Label.ENVIRONMENT)}

    def _errors(self) -> str:
        matched = zip((Label.SERVICE, Label.ENVIRONMENT), CONCERNED, strict=True)
        return logql.errors(*(matcher for label, matcher in matched if label in self.keys))
