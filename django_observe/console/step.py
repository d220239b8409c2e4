"""One step of a business action: a request, a task's attempt, a call to the outside, a mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from django_observe.console.intervals import Interval

Kind = Literal["request", "task", "message", "call", "mail", "work", "publish"]
State = Literal["ok", "retry", "bad", "open"]


@dataclass
class Step:
    """Times are Unix nanoseconds. `lane` is the service, or the host of a call that leaves all services.

    `queued` and `delayed` (until an ETA, as retries wait) are what it waited for, `measured_ns` the time in
    the queue as the worker told it. `attempt` counts from 1 and is 0 where nothing is tried again.
    `parent` is the ID of the step that caused it, `warning` the last line it logged as one or as an error.
    """

    id: str
    kind: Kind
    service: str
    lane: str
    name: str
    start_ns: int
    end_ns: int
    trace_id: str
    state: State = "ok"
    outcome: str = ""
    fault: str = ""
    parent: str = ""
    attempt: int = 0
    attempts: int = 1
    task_id: str = ""
    queued: Interval | None = None
    delayed: Interval | None = None
    measured_ns: int = 0
    queries: int = 0
    query_ns: int = 0
    warning: str = ""
    lines: list[int] = field(default_factory=list)

    @property
    def outside(self) -> bool:
        """Whether it happened where no service of ours reports from."""
        return self.lane != self.service

    @property
    def short_name(self) -> str:
        """A task without its module."""
        return self.name.rpartition(".")[2] if self.kind in ("task", "publish") else self.name

    @property
    def first_ns(self) -> int:
        """When it began to wait, or to run."""
        waits = [wait[0] for wait in (self.queued, self.delayed) if wait]
        return min([self.start_ns, *waits])

    @property
    def took_ns(self) -> int:
        """How long it ran; 0 for what a single log line tells."""
        return self.end_ns - self.start_ns

    @property
    def delayed_ns(self) -> int:
        """Until its ETA."""
        return self.delayed[1] - self.delayed[0] if self.delayed else 0

    @property
    def waited_ns(self) -> int:
        """In the queue; the time until an ETA was asked for and is not counted."""
        return self.queued[1] - self.queued[0] if self.queued else 0

    @property
    def href(self) -> str:
        """Its span in its trace, or its log line on the page."""
        return f"/trace/{self.trace_id}?span={self.id}#s-{self.id}" if self.trace_id else f"#{self.id}"
