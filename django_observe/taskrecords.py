"""A task's run, Celery's or Django's own, and what happens around it, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django_observe.frozen import Frozen
from django_observe.stats import NO_CALLS, NO_QUERIES, CallStats, Failure, QueryStats
from django_observe.tracecontext import TraceContext


@dataclass(frozen=True, kw_only=True)
class TaskRun(Frozen):
    """One run of a task, Celery's or Django's own: started and ended in a worker (or eagerly)."""

    system: Literal["celery", "django"] = "celery"
    correlation_id: str
    trace: TraceContext | None = None
    task: str
    task_id: str
    queue: str = "unknown"
    hostname: str = "unknown"
    state: str
    """SUCCESS, FAILURE, RETRY, IGNORED or REJECTED, as Celery spells its states."""
    attempt: int = 1
    seconds: float
    queue_wait_seconds: float | None = None
    clock_skew_seconds: float | None = None
    """How far in the future the publish lay: the clocks differ, and the wait is not to be believed."""
    schedule: str | None = None
    """Name of the entry of beat's schedule that asked for the run."""
    redelivered: bool = False
    """The broker has handed the message out before: the run may not be the first."""
    queries: QueryStats = NO_QUERIES
    calls: CallStats = NO_CALLS
    failure: Failure | None = None

    def __post_init__(self) -> None:
        """Keeps clocks that differ between hosts, or were set back, from going below zero."""
        if self.seconds < 0:
            object.__setattr__(self, "seconds", 0.0)
        if self.queue_wait_seconds is not None and self.queue_wait_seconds < 0:
            object.__setattr__(self, "queue_wait_seconds", 0.0)


@dataclass(frozen=True, kw_only=True)
class TaskEvent(Frozen):
    """A Celery task's life around its run: SENT by a publisher, RECEIVED and STARTED by a worker."""

    task: str
    task_id: str
    queue: str = "unknown"
    hostname: str = "unknown"
    state: str
    registered: bool = True
    """Whether the worker knows the task; anyone can have named one that it does not."""


@dataclass(frozen=True, kw_only=True)
class UnrunTask(TaskEvent):
    """A Celery task that will not run, REVOKED or REJECTED: this event is the only one that has a line."""

    correlation_id: str | None = None
    trace: TraceContext | None = None
