"""Recording rules and alerts as plain objects, before they become YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dashboards import links
from dashboards.rules.annotations import Annotations

Severity = Literal["page", "ticket", "none"]
"""page: a human now; ticket: a human this week; none: only the Watchdog (SRE workbook, chapter 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A series to be kept under a name of its own."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert. `keys` are the labels its expression yields: they find its start, and fill its links."""

    name: str
    expr: str
    severity: Severity
    hold: str = ""
    """Prometheus' `for`; empty: at the first evaluation."""
    keys: Sequence[str]
    summary: str
    """One line for a phone: who, how much, since when (`[since]`)."""
    description: str
    dashboard: str = links.SERVICE
    variables: Mapping[str, str] | None = None
    """The dashboard's variables; None: those of `keys` that are service and environment."""
    logs: str = ""
    """LogQL; empty: the error lines of the service, or of all where no service is concerned."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels the rule adds."""
        return {"severity": self.severity}

    def annotations(self, *, started: bool = True) -> dict[str, str]:
        """What Alertmanager is told besides the labels; `started`: the start can be asked for."""
        return Annotations(
            alert=self.name,
            severity=self.severity,
            keys=tuple(self.keys),
            dashboard=self.dashboard,
            variables=self.variables,
            logs=self.logs,
            started=started,
        ).all(self.summary, self.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules evaluated one after another, every `interval`."""

    name: str
    interval: str
    rules: Sequence[Record | Alert]

    @property
    def alerts(self) -> list[Alert]:
        """Those of its rules that are alerts."""
        return [rule for rule in self.rules if isinstance(rule, Alert)]
