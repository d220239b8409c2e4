"""The examination in words: a line for each hop, then cause and change of what is broken; or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django_observe.console.terminal import Painter, printable
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding

HOP_WIDTH = 18
STATE_WIDTH = len(NOT_CONFIGURED)
_LEVELS = {OK: "INFO", BROKEN: "ERROR"}


def heading(canary: Canary) -> str:
    """Under which IDs everything was sent."""
    return f"canary {canary.correlation_id}  trace {canary.trace_id}\n"


def line(finding: Finding, painter: Painter) -> str:
    """One hop, in columns."""
    state = f"{finding.state:<{STATE_WIDTH}}"
    level = _LEVELS.get(finding.state)
    told = painter.level(state, level) if level else painter.dim(state)
    return f"{told}  {finding.hop:<{HOP_WIDTH}}  {printable(finding.says)}"


def conclusion(findings: Sequence[Finding], painter: Painter) -> str:
    """What is broken, why, and what to write; last, how many there are of each."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.state == BROKEN:
            alike.setdefault((finding.cause, finding.change), []).append(finding)
    parts = [_remedy(group, painter) for group in alike.values()]
    counts = Counter(finding.state for finding in findings)
    parts.append(", ".join(f"{counts[state]} {state}" for state in (BROKEN, OK, NOT_CONFIGURED)))
    return "\n" + "\n\n".join(parts)


def document(canary: Canary, findings: Sequence[Finding]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "correlation_id": canary.correlation_id,
        "trace_id": canary.trace_id,
        "broken": sum(finding.state == BROKEN for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _remedy(alike: Sequence[Finding], painter: Painter) -> str:
    """Of findings with one cause, which are mended by one change."""
    finding = alike[0]
    hops = ", ".join(each.hop for each in alike)
    told = [
        painter.bad(f"{hops}: {printable(finding.says)}"),
        f"  cause   {printable(finding.cause, indent=' ' * 10)}",
    ]
    if finding.change:
        told.append(f"  change  {painter.bold(printable(finding.change, indent=' ' * 10))}")
    return "\n".join(told)
