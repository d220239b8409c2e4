"""What a task waited for before it ran: an ETA that was asked for, then its turn in the queue."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from django_observe.console.step import Step
from django_observe.console.values import first_text

_MS = 10**6
_LONGEST_MS = 10**11


def set_waits(step: Step, attrs: Mapping[str, Any], producer: Any) -> None:
    """From when the producer's span ended, else from what the worker measured itself."""
    measured = attrs.get("celery.queue_wait_ms")
    start = step.start_ns
    if isinstance(measured, int | float) and 0 < measured < _LONGEST_MS:
        step.measured_ns = int(measured * _MS)
    if producer is not None:
        since = int(producer["start_ns"] + producer["dur_ns"])
        due = min(max(_eta(attrs), since), start)
        step.queued = (due, start) if due < start else None
        step.delayed = (since, due) if since < due else None
    elif step.measured_ns:
        step.queued = (start - step.measured_ns, start)


def _eta(attrs: Mapping[str, Any]) -> int:
    """The ETA in Unix nanoseconds, 0 without one."""
    text = first_text(attrs, "celery.eta")
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
        return (
            int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() * 10**9)
            if moment
            else 0
        )
    except (ValueError, OverflowError):
        return 0


def join_attempts(steps: Iterable[Step]) -> None:
    """Steps with the same task ID are the attempts of one task; each follows from the one before."""
    by_task: dict[str, list[Step]] = {}
    for step in steps:
        if step.task_id:
            by_task.setdefault(step.task_id, []).append(step)
    for attempts in by_task.values():
        attempts.sort(key=lambda step: step.start_ns)
        for number, step in enumerate(attempts, 1):
            step.attempt, step.attempts = number, len(attempts)
        for before, step in itertools.pairwise(attempts):
            step.parent = before.id
            if step.first_ns < before.start_ns:
                _wait_after(step, before)


def _wait_after(step: Step, before: Step) -> None:
    """The retry's own message left no span: it was put off when the attempt before ended."""
    due = max(step.start_ns - step.measured_ns, before.end_ns)
    step.queued = (due, step.start_ns) if due < step.start_ns else None
    step.delayed = (before.end_ns, due) if before.end_ns < due else None
