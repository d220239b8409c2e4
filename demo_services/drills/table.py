"""What runs of drills have shown: a table for the terminal, JSON, and the page of the documentation.

`python -m demo_services.drills.table RESULTS.json...` prints the page of runs that were played apart.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.table import Table

from demo_services.drills.drill import Outcome, told, wrong_alerts
from demo_services.drills.incidents import INCIDENTS

Result = dict[str, Any]
"""An outcome as it is in JSON."""

TEXT = """\
`make drill` plays ten incidents on the native demo under load, one at a time, watched by Debian's
Prometheus and Alertmanager with the stack's own files. For each: no alert in the quiet time before, exactly
the expected alerts while it lasts, no other until it is over; all of them resolved after healing; and the
link that the alert carries, opened as Grafana would, shows the offending log line, whose trace is there.
Two alerts may follow healing, by chance: a worker that is back tells how long tasks had waited
(CeleryQueueWaitLong), and a breaker closes a little after its service is back (CircuitBreakerOpen). Each
drill starts a Prometheus of its own with one backfilled hour of quiet traffic, so that the windows that
page mean what they say. The broker is Redis, and the queues of telemetry are long enough to lose nothing.
`detected` is from the incident to the first notification at the webhook, `all told` to the last one that is
expected, `resolved` from healing to the end of all. Loki and Grafana are not part of a drill: the link's
LogQL and time range are asked of the local console, which receives what they would. Natively every host is
127.0.0.1, so that DependencyFailing is not silenced by the absence of auth, as it is in compose."""
HEADS = ("drill", "incident", "alerts", "detected", "all told", "resolved", "the link led to")


def result(outcome: Outcome) -> Result:
    """An outcome for programs; seconds are those of the run, not multiplied by the pace."""
    evidence = outcome.evidence
    return {
        "drill": outcome.incident.name,
        "title": outcome.incident.title,
        "passed": outcome.passed,
        "faults": outcome.faults,
        "noise": sorted(map(list, outcome.noise)),
        "expected": sorted(map(list, outcome.incident.expected)),
        "may_follow": sorted(map(list, outcome.incident.may_follow)),
        "alerts": sorted(map(list, outcome.alerts)),
        "told": told(outcome.alerts),
        "detected_seconds": outcome.detected,
        "complete_seconds": outcome.complete,
        "resolved_seconds": outcome.resolved,
        "link": evidence and evidence.link.query,
        "line": evidence and evidence.line,
        "spans": len(evidence.spans) if evidence else 0,
        "found": _found(outcome),
    }


def as_json(results: Sequence[Result], pace: float) -> str:
    """A run for programs."""
    return json.dumps({"pace": pace, "drills": results}, indent=2)


def terminal(results: Iterable[Result]) -> Table:
    """The table for the terminal."""
    table = Table(title="Drills", title_style="bold")
    for head in ("", *HEADS):
        table.add_column(head, overflow="fold")
    for one in results:
        mark = "[green]✓[/]" if one["passed"] else "[red]✗[/] " + "; ".join(one["faults"])
        table.add_row(mark, *_row(one))
    return table


def page(results: Sequence[Result], pace: float, runs: int = 1) -> str:
    """docs/reference/drills.md."""
    passed = sum(one["passed"] for one in results)
    lines = [
        "# Drills",
        "",
        "<!-- Written by `python -m demo_services.drills --docs docs/reference/drills.md`. -->",
        "",
        TEXT,
        "",
        f"{passed} of {len(results)} passed, {datetime.now(timezone.utc):%Y-%m-%d}.",
        f"{_paced(pace)}{_patched(runs)}",
        "",
        _cells((*HEADS, "passed")),
        _cells(("---",) * (len(HEADS) + 1)),
        *(_cells((*_row(one), "; ".join(one["faults"]) or "yes")) for one in results),
    ]
    return "\n".join([*lines, ""])


def _row(one: Result) -> tuple[str, ...]:
    times = (one["detected_seconds"], one["complete_seconds"], one["resolved_seconds"])
    return (one["drill"], one["title"], one["told"], *map(_seconds, times), one["found"])


def _found(outcome: Outcome) -> str:
    """Where the telling alert's link led, in words."""
    evidence = outcome.evidence
    if evidence is None or evidence.line is None:
        return "nothing"
    services = sorted({span.service for span in evidence.spans})
    many = f"{len(evidence.spans)} span{'s' if len(evidence.spans) > 1 else ''}"
    trace = f"; its trace: {many} of {', '.join(services)}" if services else "; no trace"
    line = evidence.line
    return (
        f"{outcome.incident.telling[0]}: {line['service']}, {line['level']}: {_short(line['message'])}{trace}"
    )


def _paced(pace: float) -> str:
    if pace == 1:
        return "Measured at pace 1: every duration as shipped."
    return (
        f"Measured at pace {pace:g}: every duration of the rules, of Prometheus and of Alertmanager is "
        f"divided by {pace:g}; as shipped, all times are up to {pace:g} times as long."
    )


def _patched(runs: int) -> str:
    if runs == 1:
        return ""
    return (
        f" Put together from {runs} runs, some side by side, between which rules and expectations were mended"
        " after what the drills had shown; of a drill played twice the last counts."
    )


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def judged(one: Result) -> Result:
    """A result by the incident's expectations as they are now."""
    alerts = frozenset((name, service) for name, service in one["alerts"])
    others = [fault for fault in one["faults"] if not fault.startswith(("missing: ", "too many: "))]
    faults = [*wrong_alerts(INCIDENTS[one["drill"]], alerts), *others]
    return {**one, "faults": faults, "passed": not faults}


def main() -> None:
    """Print the page of the runs in these files, all at one pace; of a drill played twice the last counts."""
    runs = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    [pace] = {run["pace"] for run in runs}
    last = {one["drill"]: judged(one) for run in runs for one in run["drills"]}
    sys.stdout.write(page([last[name] for name in INCIDENTS if name in last], pace, len(runs)))


if __name__ == "__main__":
    main()
