"""The waterfall of a trace in characters, for terminals and tickets."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django_observe.console import called, folding, span_tree
from django_observe.console.formatting import duration, moment, offset
from django_observe.console.severity import LEVELS, level_name
from django_observe.console.span_line import queue_wait
from django_observe.console.span_tree import Node
from django_observe.console.terminal import Painter, printable

_ERROR = 2
_TOOK: Final = 9
_BAR, _WAIT, _TICK = "█", "░", "•"
_DEEPEST: Final = 24
_ERROR_CHARS: Final = 2_000


def drawn(
    spans: Sequence[Any], logs: Sequence[Any], hues: Mapping[str, int], columns: int, *, coloured: bool
) -> str:
    """Lines of at most `columns` characters: a heading, then spans and log lines in tree order."""
    tree = span_tree.grow(spans, logs)
    drawing = _Drawing(spans, logs, hues, columns, Painter(coloured=coloured))
    lines = [*drawing.heading(), ""]
    stack: list[tuple[Node | folding.Fold | Any, int]] = [(node, 0) for node in reversed(tree.roots)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, Node):
            lines.append(drawing.span(item, depth))
            stack.extend((one, depth + 1) for one in reversed(_below(item)))
        elif isinstance(item, folding.Fold):
            lines.append(drawing.fold(item, depth))
        else:
            lines.append(drawing.log(item, depth))
    if tree.unattached:
        lines += [
            "",
            "Log lines whose span has not arrived:",
            *(drawing.log(log, 1) for log in tree.unattached),
        ]
    return "\n".join(lines) + "\n"


def _below(node: Node) -> list[Any]:
    """Children, folds of repeated children, and log lines, by time."""
    single, folds = folding.fold(node.children)
    items: list[tuple[int, Any]] = [(one.start_ns, one) for one in single]
    items += [(fold.first.start_ns, fold) for fold in folds]
    items += [(log["ts"], log) for log in node.logs]
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


class _Drawing:
    """Places and paints the parts of a line."""

    def __init__(
        self, spans: Sequence[Any], logs: Sequence[Any], hues: Mapping[str, int], columns: int, paint: Painter
    ) -> None:
        self._spans = spans
        self._logs = logs
        self._hues = hues
        self._paint = paint
        times = [(span["start_ns"], span["start_ns"] + span["dur_ns"]) for span in spans]
        times = times or [(log["ts"], log["ts"]) for log in logs] or [(0, 0)]
        self._start_ns = min(start for start, _ in times)
        self._length_ns = max(max(end for _, end in times) - self._start_ns, 1)
        self._columns = columns
        self._lane = columns * 2 // 5
        self._text = columns - self._lane - _TOOK - 2

    def heading(self) -> Iterator[str]:
        """What and how long, then the IDs."""
        root = next((span for span in self._spans if span["parent_id"] is None), None)
        record = root or next(iter(self._spans), None) or self._logs[0]
        name = printable(record["name"] if self._spans else "no span has arrived")
        errors = sum(span["status"] == _ERROR for span in self._spans)
        services = len({span["service"] for span in self._spans})
        parts = ((len(self._spans), "span"), (len(self._logs), "log line"), (services, "service"))
        counts = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in parts)
        told = self._paint.bad(f", {errors} failed") if errors else ""
        took = duration(self._length_ns if self._spans else 0)
        service = self._paint.service(printable(record["service"]), self._hues.get(record["service"], 0))
        yield f"{self._paint.bold(name)}  {service}  {took}  {counts}{told}"
        corr = next((one["corr"] for one in (*self._spans, *self._logs) if one["corr"]), None)
        ids = f"trace {record['trace_id'].hex()}" + (f"  correlation ID {printable(corr)}" if corr else "")
        yield self._paint.dim(f"{ids}  {moment(self._start_ns)}")

    def span(self, node: Node, depth: int) -> str:
        """Name, bar and duration; `░` is the time between a producer and its consumer."""
        span = node.record
        if span is None:
            return self._row(f"span {(node.missing_id or b'').hex()} has not arrived", "", "", depth, "")
        waited = queue_wait(node)
        lane = self._bar(node.start_ns, node.end_ns, _BAR, waited)
        failed = span["status"] == _ERROR
        name = f"{'✗ ' if failed else ''}{called.label(node)}" + (
            f"  (queued {duration(waited)})" if waited else ""
        )
        row = self._row(name, span["service"], lane, depth, duration(span["dur_ns"]))
        if failed and span["status_msg"]:
            row += self._beneath(span["status_msg"], depth)
        return row

    def fold(self, fold: folding.Fold, depth: int) -> str:
        """Repeated siblings as one line."""
        first = fold.first.record or {}
        lane = self._bar(fold.first.start_ns, fold.members[-1].end_ns, _BAR, 0)
        name = f"{called.label(fold.first)}  x{len(fold.members)}"
        return self._row(name, first["service"], lane, depth, duration(fold.total_ns))

    def log(self, log: Any, depth: int) -> str:
        """A tick at its time; the message's first line, or an error longer than that is whole below."""
        level = level_name(log["sev"])
        at = min(self._place(log["ts"]), self._lane - 1)
        text = printable(f"{level} {log['body'].partition(chr(10))[0]}")
        left = "  " * min(depth, _DEEPEST) + text
        cut = len(left) > self._text
        head = f"{left[: self._text - 1]}…" if cut else left.ljust(self._text)
        lane = self._paint.level((" " * at + _TICK).ljust(self._lane), level)
        when = offset(log["ts"] - self._start_ns)
        row = f"{self._paint.level(head, level)} {lane} {self._paint.dim(when.rjust(_TOOK))}"
        return row + self._beneath(log["body"], depth) if cut and log["sev"] >= LEVELS["ERROR"] else row

    def _beneath(self, error: str, depth: int) -> str:
        """An error's text on lines of its own, for its end is what tells the most."""
        indent = "  " * min(depth + 1, _DEEPEST)
        text = printable(" ".join(error.split()))
        text = text if len(text) <= _ERROR_CHARS else f"{text[: _ERROR_CHARS - 1]}…"
        lines = textwrap.wrap(text, self._columns - len(indent), break_on_hyphens=False)
        return "".join(f"\n{indent}{self._paint.bad(line)}" for line in lines)

    def _row(self, name: str, service: str, lane: str, depth: int, took: str) -> str:
        indent = "  " * min(depth, _DEEPEST)
        left = f"{indent}{printable(service)} {printable(name)}" if service else f"{indent}{printable(name)}"
        left = left if len(left) <= self._text else f"{left[: self._text - 1]}…"
        painted = left.ljust(self._text)
        hue = self._hues.get(service, 0)
        if service and len(indent) + len(printable(service)) < len(left):
            shown = painted[len(indent) : len(indent) + len(printable(service))]
            painted = indent + self._paint.service(shown, hue) + painted[len(indent) + len(shown) :]
        return f"{painted} {self._paint.service(lane.ljust(self._lane), hue)} {took.rjust(_TOOK)}"

    def _bar(self, start_ns: int, end_ns: int, mark: str, waited: int) -> str:
        first, last = self._place(start_ns), max(self._place(end_ns), self._place(start_ns) + 1)
        since = self._place(start_ns - waited) if waited else first
        return (" " * since + _WAIT * (first - since) + mark * (last - first))[: self._lane]

    def _place(self, ns: int) -> int:
        share = (ns - self._start_ns) / self._length_ns
        return min(max(int(share * self._lane), 0), self._lane - 1)
