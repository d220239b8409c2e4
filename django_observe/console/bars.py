"""Steps as bars of a time line: where each lies, where its waits and its label stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from django_observe.console.broken_axis import BrokenAxis
from django_observe.console.formatting import duration
from django_observe.console.intervals import Interval
from django_observe.console.step import Step

HEIGHT: Final = 18
"""Of a bar, in CSS pixels."""

_CHAR_WIDTH: Final = 0.8  # percent of the picture in a window of 1100 pixels
_MARK_WIDTH: Final = 2.4
_NARROW: Final = 2.5  # times these, in a window of 390 pixels
_LEAST: Final = 0.35
_NAME_CHARS: Final = 60
_ALL: Final = 100


class Extent(NamedTuple):
    """Left edge and width in percent."""

    x: float
    width: float

    @property
    def end(self) -> float:
        """Right edge."""
        return round(self.x + self.width, 2)


@dataclass(frozen=True)
class Bar:
    """A step as drawn; `label_x` is None when the label stands within the bar."""

    step: Step
    x: float
    width: float
    label: str
    label_x: float | None
    label_left: bool
    queued: Extent | None
    delayed: Extent | None
    y: int = 0

    @property
    def middle(self) -> int:
        """Where connectors and waits lie."""
        return self.y + HEIGHT // 2

    @property
    def sign(self) -> str:
        """Which mark stands at it: how it ended, or that it is a mail."""
        return "mail" if self.step.kind == "mail" and self.step.state == "ok" else self.step.state

    @property
    def head(self) -> str:
        """The label, up to its `tail`."""
        return self.label[: len(self.label) - len(self.tail)]

    @property
    def tail(self) -> str:
        """What a label within its bar tells after the name, if a narrow window has no room for that."""
        name = self.step.short_name[:_NAME_CHARS]
        roomy = self.width >= _room(self.label) * _NARROW or not self.label.startswith(name)
        return "" if roomy else self.label[len(name) :]

    @property
    def slim(self) -> bool:
        """Whether a narrow window has no room even for the head."""
        return self.width < _room(self.head) * _NARROW

    @property
    def left(self) -> float:
        """Where what belongs to the bar begins: a wait, or a label before it."""
        waits = [wait.x for wait in (self.queued, self.delayed) if wait]
        label = [self.label_x - _room(self.label)] if self.label_left and self.label_x is not None else []
        return min([self.x, *waits, *label])

    @property
    def right(self) -> float:
        """Where what belongs to it ends."""
        beside = self.label_x is not None and not self.label_left
        right = self.x + self.width + (_room(self.label) if beside else 0)
        return max(right, self.queued.end if self.queued else 0)

    @property
    def caused_x(self) -> float:
        """When it was caused: when it began to wait, if it waited."""
        wait = self.delayed or (self.queued if self.step.state != "open" else None)
        return wait.x if wait else self.x

    def without_waits_before(self, x: float) -> Bar:
        """As a retry is drawn, whose wait goes on from where the attempt before ends."""
        return replace(self, queued=_after(self.queued, x), delayed=_after(self.delayed, x))


def bar_of(step: Step, axis: BrokenAxis) -> Bar:
    """The bar of a step, its label within if there is room, else beside it. Its row is chosen later."""
    x = axis.at(step.start_ns)
    width = round(max(axis.at(step.end_ns) - x, _LEAST), 2)
    x = min(x, _ALL - width)
    label = next((one for one in _labels(step) if width >= _room(one)), _labels(step)[-1])
    within = width >= _room(label)
    left = not within and x + width + _room(label) > _ALL
    queued = _extent(step.queued, axis) if step.state != "open" else Extent(x, round(_ALL - x, 2))
    delayed = _extent(step.delayed, axis)
    begins = min([x, *(wait.x for wait in (queued, delayed) if wait and wait.x >= _room(label))])
    return Bar(
        step=step,
        x=x,
        width=width,
        label=label,
        label_x=None if within else begins if left else round(x + width, 2),
        label_left=left,
        queued=queued,
        delayed=delayed,
    )


def _labels(step: Step) -> list[str]:
    """The longest first; short for a further attempt, which stands in the row of the first."""
    if step.kind == "mail":
        return ["mail" if step.state == "ok" else "mail failed"]
    number = f" #{step.attempt}" if step.attempts > 1 else ""
    result = f" {step.outcome}" if step.kind in ("request", "call", "publish") else ""
    took = f" {duration(step.took_ns)}" if step.took_ns and step.kind != "publish" else ""
    whole = f"{step.short_name[:_NAME_CHARS]}{number}{result}{took}"
    return [whole, f"#{step.attempt}"] if step.attempt > 1 else [whole]


def _room(label: str) -> float:
    return len(label) * _CHAR_WIDTH + _MARK_WIDTH


def _extent(interval: Interval | None, axis: BrokenAxis) -> Extent | None:
    if interval is None or interval[1] < axis.start_ns or interval[0] > axis.end_ns:
        return None
    x = axis.at(interval[0])
    return Extent(x, round(max(axis.at(interval[1]) - x, 0.1), 2))


def _after(extent: Extent | None, x: float) -> Extent | None:
    if extent is None or extent.x >= x:
        return extent
    return Extent(round(x, 2), round(extent.end - x, 2)) if extent.end > x else None
