"""A story in a few words: how it ended, what it took, where the time went; and as text to paste."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django_observe.console import intervals
from django_observe.console.formatting import duration, moment, visible
from django_observe.console.pauses import pauses
from django_observe.console.step import State, Step
from django_observe.console.verdict import verdict

_WORDS: Final = {
    "request": ("request", "requests"),
    "task": ("task", "tasks"),
    "message": ("message", "messages"),
    "call": ("outside call", "outside calls"),
    "mail": ("mail", "mails"),
    "work": ("job", "jobs"),
    "open": ("unheard message", "unheard messages"),
    "bad": ("unsent message", "unsent messages"),
}
_SHARES: Final = {
    "working": "working",
    "queued": "in a queue",
    "delayed": "until the next try",
    "idle": "between steps",
}
_TEXT_STEPS: Final = 60
_MARKS: Final[dict[State, str]] = {"ok": "✓", "retry": "↻", "bad": "✗", "open": "…"}


@dataclass(frozen=True)
class Share:
    """A part of the whole time, `key` its colour; `x` and `width` in percent of the bar of all."""

    key: str
    name: str
    text: str
    x: float
    width: float


@dataclass(frozen=True)
class Digest:
    """`state` and `verdict` tell how it ended, `figures` what it was, `shares` where the time went."""

    state: State
    verdict: str
    fault: str
    figures: Sequence[tuple[int, str]]
    wall_ns: int
    shares: Sequence[Share]


def digest(steps: Sequence[Step]) -> Digest:
    """Of the steps in time order; at least one."""
    ended = verdict(steps)
    tasks = {step.task_id or step.id for step in steps if step.kind == "task"}
    counts = Counter[str](step.state if step.kind == "publish" else step.kind for step in steps)
    counts["task"] = len(tasks)
    start = min(step.first_ns for step in steps)
    end = max(step.end_ns for step in steps)
    return Digest(
        state=ended.state,
        verdict=ended.text,
        fault=ended.fault,
        figures=[(counts[kind], words[counts[kind] > 1]) for kind, words in _WORDS.items() if counts[kind]],
        wall_ns=end - start,
        shares=_shares(steps, end - start),
    )


def _shares(steps: Sequence[Step], wall_ns: int) -> list[Share]:
    """Each moment counts once: as work if anything ran, else as queue, else as waiting for the next try."""
    paused = pauses(steps)
    work = intervals.without(
        [(step.start_ns, step.end_ns) for step in steps if step.end_ns > step.start_ns], paused
    )
    queued = intervals.without([step.queued for step in steps if step.queued], work)
    delayed = intervals.without(
        [*paused, *(step.delayed for step in steps if step.delayed)], [*work, *queued]
    )
    lengths = {
        "working": intervals.length(work),
        "queued": intervals.length(queued),
        "delayed": intervals.length(delayed),
    }
    lengths["idle"] = wall_ns - sum(lengths.values())
    names = _SHARES | {"queued": _queue_name(steps, lengths["queued"])}
    shares, x = [], 0.0
    for key, ns in lengths.items():
        width = ns * 100 / max(wall_ns, 1)
        if ns > 0:
            shares.append(Share(key, names[key], duration(ns), round(x, 2), round(width, 2)))
        x += width
    return shares


def _queue_name(steps: Sequence[Step], alone_ns: int) -> str:
    """Says what the steps' own times in the queue come to, where something ran meanwhile."""
    all_ns = intervals.length(intervals.union(step.queued for step in steps if step.queued))
    differs = duration(all_ns) != duration(alone_ns)
    return f"in a queue while nothing ran (of {duration(all_ns)})" if differs else _SHARES["queued"]


def as_text(correlation_id: str, steps: Sequence[Step], told: Digest) -> str:
    """The story for a chat or a ticket, where a fixed-width font shows it."""
    start = min(step.first_ns for step in steps)
    head = [
        f"Correlation ID {correlation_id}",
        f"{moment(start)}, {duration(told.wall_ns)} in all: {told.verdict}",
        *([told.fault] if told.fault else []),
        ", ".join(f"{share.text} {share.name}" for share in told.shares),
        "",
    ]
    service_width = max(len(visible(step.lane)) for step in steps[:_TEXT_STEPS])
    lines = [_text_line(step, start, service_width) for step in steps[:_TEXT_STEPS]]
    if len(steps) > _TEXT_STEPS:
        lines.append(f"({len(steps) - _TEXT_STEPS} more steps)")
    return "\n".join(head + lines)


def _text_line(step: Step, start: int, service_width: int) -> str:
    attempt = f" #{step.attempt}" if step.attempts > 1 else ""
    waited = f", queued {duration(step.waited_ns)}" if step.waited_ns else ""
    fault = f": {step.fault}" if step.fault else ""
    took = duration(step.end_ns - step.start_ns) if step.end_ns > step.start_ns else ""
    at = f"+{duration(step.start_ns - start)}" if step.start_ns > start else "0"
    where = f"{visible(step.lane):<{service_width}}"
    line = f"{at:>9}  {_MARKS[step.state]} {where}  {step.name}{attempt} {step.outcome} {took}{waited}{fault}"
    return line.rstrip()
