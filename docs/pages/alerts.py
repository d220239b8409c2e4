"""The page that lists the alerts."""

from __future__ import annotations

import re

from dashboards import rules
from dashboards.rules.rule import Alert
from docs.pages.table import code, page, table

VALUE = re.compile(r"\{\{ (?:printf `%.0f` )?\$value(?: \| humanize(\w+))? \}\}")
UNITS = {"": "N", "Percentage": "N %", "Duration": "N s"}


def alerts() -> str:
    """Every alert with what it says, from the rules themselves."""
    rows = [(_link(alert), alert.severity, _text(alert), code(alert.keys)) for alert in rules.alerts()]
    return page(
        "Alerts",
        "Rules that `make up` loads. Any Prometheus can load them from `dashboards/built/prometheus`, and "
        "Loki's ruler can load ErrorLogsRising from `dashboards/built/loki`. *page*: somebody now, because "
        "users are harmed or soon will be. *ticket*: this week. Each comes with its number, its start, a "
        "section of the [runbook](../runbook.md), and links to its dashboard and log lines. The labels say "
        "whom it concerns: one alert covers any number of services.",
        table(("Alert", "Severity", "Says", "Labels"), rows),
    )


def _link(alert: Alert) -> str:
    return f"[{alert.name}](../runbook.md#{alert.name.lower()})"


def _text(alert: Alert) -> str:
    """Its summary and description, with words in place of what is filled in."""
    summary = re.sub(r"\[who\]: |,? \[since\]", "", alert.summary)
    text = re.sub(r"\{\{ with .*?\{\{ end \}\}", "", f"{summary}. {alert.description}")
    text = VALUE.sub(lambda match: UNITS[match[1] or ""], text)
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", text)
    return (text[:1].upper() + text[1:]).strip()
