"""What a run of drills has shown: a table for the terminal, JSON, and the page of the documentation."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from rich.table import Table

from demo_services.drills.drill import Outcome, told

HEADS = ("drill", "incident", "alerts", "detected", "resolved", "the link led to")


def row(outcome: Outcome) -> tuple[str, ...]:
    """An outcome in words."""
    return (
        outcome.incident.name,
        outcome.incident.title,
        told(outcome.alerts),
        _seconds(outcome.detected),
        _seconds(outcome.resolved),
        found(outcome),
    )


def found(outcome: Outcome) -> str:
    """Where the telling alert's link led."""
    evidence = outcome.evidence
    if evidence is None or evidence.line is None:
        return "nothing"
    services = sorted({span.service for span in evidence.spans})
    trace = f"; its trace: {len(evidence.spans)} spans of {', '.join(services)}" if services else "; no trace"
    line = evidence.line
    return f"{line['service']}, {line['level']}: {_short(line['message'])}{trace}"


def terminal(outcomes: Iterable[Outcome]) -> Table:
    """The table for the terminal."""
    table = Table(title="Drills", title_style="bold")
    for head in ("", *HEADS):
        table.add_column(head, overflow="fold")
    for outcome in outcomes:
        mark = "[green]✓[/]" if outcome.passed else "[red]✗[/] " + "; ".join(outcome.faults)
        table.add_row(mark, *row(outcome))
    return table


def as_json(outcomes: Iterable[Outcome], pace: float) -> str:
    """The same for programs; seconds are those of the run, not multiplied by the pace."""
    drills: list[dict[str, Any]] = [
        {
            "drill": outcome.incident.name,
            "passed": outcome.passed,
            "faults": outcome.faults,
            "noise": sorted(map(list, outcome.noise)),
            "expected": sorted(map(list, outcome.incident.expected)),
            "alerts": sorted(map(list, outcome.alerts)),
            "detected_seconds": outcome.detected,
            "complete_seconds": outcome.complete,
            "resolved_seconds": outcome.resolved,
            "link": outcome.evidence and outcome.evidence.link.query,
            "line": outcome.evidence and outcome.evidence.line,
            "spans": len(outcome.evidence.spans) if outcome.evidence else 0,
        }
        for outcome in outcomes
    ]
    return json.dumps({"pace": pace, "drills": drills}, indent=2)


def page(outcomes: Sequence[Outcome], pace: float) -> str:
    """docs/reference/drills.md."""
    passed = sum(outcome.passed for outcome in outcomes)
    lines = [
        "# Drills",
        "",
        "<!-- Written by `python -m demo_services.drills --docs docs/reference/drills.md`. -->",
        "",
        TEXT,
        "",
        f"{passed} of {len(outcomes)} passed, {datetime.now(timezone.utc):%Y-%m-%d}. {_paced(pace)}",
        "",
        _cells((*HEADS, "passed")),
        _cells(("---",) * (len(HEADS) + 1)),
        *(_cells((*row(outcome), "; ".join(outcome.faults) or "yes")) for outcome in outcomes),
    ]
    return "\n".join([*lines, ""])


TEXT = """\
`make drill` plays ten incidents on the native demo under load, one at a time, watched by Debian's
Prometheus and Alertmanager with the stack's own files. For each: no alert in the quiet time before, exactly
the expected alerts while it lasts, no other until it is over; all of them resolved after healing; and the
link that the alert carries, opened as Grafana would, shows the offending log line, whose trace is there.
Each drill starts a Prometheus of its own with one backfilled hour of quiet traffic, so that the windows
that page mean what they say. `detected` is from the incident to the first notification at the webhook,
`resolved` from healing to the last. Loki and Grafana are not part of a drill: the link's LogQL and time
range are asked of the local console, which receives what they would."""


def _paced(pace: float) -> str:
    if pace == 1:
        return "Measured at pace 1: every duration as shipped."
    return (
        f"Measured at pace {pace:g}: every duration of the rules, of Prometheus and of Alertmanager is "
        f"divided by {pace:g}; as shipped, both times are up to {pace:g} times as long."
    )


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
