"""The dashboard Runbook: a panel for each alert, which the alert's link opens wherever Grafana is."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, text
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.text import TextMode

from dashboards import links, runbook

ABOUT: Final = "What each alert means, the first three steps, and how it ends: docs/runbook.md."
WIDTH: Final = 12
HEIGHT: Final = 11
_ELSEWHERE: Final = re.compile(r"\[([^]]+)\]\((?!http)[^)]+\)")
"""Links between files of the repository, which Grafana does not have."""


def text_of(tag: str) -> str:
    """The dashboard's JSON; `tag` is the one of all our dashboards."""
    built = (
        dashboard.Dashboard("Runbook")
        .uid(links.RUNBOOK)
        .description(ABOUT)
        .tags([tag])
        .time("now-1h", "now")
        .timezone("browser")
        .editable()
        .version(1)
    )
    for alert, section in runbook.sections().items():
        built.with_panel(_panel(alert, section))
    document = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    for panel in document["panels"]:
        panel["id"] = runbook.panel_id(panel["title"])
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _panel(alert: str, section: str) -> Any:
    content = _ELSEWHERE.sub(r"\1", section).replace(links.GRAFANA_URL, "")
    return text.Panel().title(alert).mode(TextMode.MARKDOWN).content(content).span(WIDTH).height(HEIGHT)
