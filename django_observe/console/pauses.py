"""How long steps waited between a call that failed and the next one like it."""

from __future__ import annotations

from collections.abc import Sequence

from django_observe.console import intervals
from django_observe.console.intervals import Interval
from django_observe.console.step import Step


def pauses(steps: Sequence[Step]) -> list[Interval]:
    """Of steps in time order; not what of it something else ran in than those who waited."""
    before: dict[tuple[str, str, str], Step] = {}
    found: list[Interval] = []
    waited: set[str] = set()
    parents = {step.id: step.parent for step in steps}
    for step in steps:
        if step.kind not in ("request", "call") or not step.parent:
            continue
        failed = before.get((step.parent, step.name, step.lane))
        before[step.parent, step.name, step.lane] = step
        if failed and failed.state == "bad" and failed.end_ns < step.start_ns:
            found.append((failed.end_ns, step.start_ns))
            _add_those_above(step, parents, waited)
    if not found:
        return []
    return intervals.without(found, [(one.start_ns, one.end_ns) for one in steps if one.id not in waited])


def _add_those_above(step: Step, parents: dict[str, str], waited: set[str]) -> None:
    at = step.parent
    while at and at not in waited:
        waited.add(at)
        at = parents.get(at, "")
