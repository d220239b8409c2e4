"""Spans and log lines of one ID from several backends, each once, and as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django_observe.console import decoding, hues, text_waterfall
from django_observe.console.decoding import UnreadableError
from django_observe.console.formatting import clock
from django_observe.console.severity import level_name
from django_observe.console.terminal import Painter, printable

Row = dict[str, Any]
"""A span or line by the names of the console's columns (`console/rows.py`)."""

_LONE_LINES: Final = 200


@dataclass
class Timeline:
    """What was found; a record that two backends tell is told once."""

    spans: dict[tuple[bytes, bytes], Row] = field(default_factory=dict)
    lines: dict[tuple[int, str, bytes | None], Row] = field(default_factory=dict)

    def add(self, spans: Iterable[Row] = (), lines: Iterable[Row] = ()) -> None:
        """Keeps what is not there yet; times of lines are compared in the microseconds of JSON lines."""
        for span in spans:
            self.spans.setdefault((span["trace_id"], span["span_id"]), span)
        for line in lines:
            self.lines.setdefault((line["ts"] // 1000, line["body"], line["span_id"]), line)

    @property
    def trace_ids(self) -> list[str]:
        """Traces of spans and lines, in hex, the oldest first."""
        starts: dict[bytes, int] = {}
        times = [(span["trace_id"], span["start_ns"]) for span in self.spans.values()]
        times += [(line["trace_id"], line["ts"]) for line in self.lines.values() if line["trace_id"]]
        for trace_id, at in times:
            starts[trace_id] = min(at, starts.get(trace_id, at))
        return [trace_id.hex() for trace_id in sorted(starts, key=lambda each: starts[each])]

    @property
    def services(self) -> list[str]:
        """Whoever sent a span or a line, in the order of the alphabet."""
        return sorted({row["service"] for row in (*self.spans.values(), *self.lines.values())})

    def drawn(self, columns: int, painter: Painter) -> Iterator[str]:
        """A waterfall for each trace, then the lines that belong to none."""
        hue_of = hues.assign(self.services)
        for trace_id in map(bytes.fromhex, self.trace_ids):
            spans = [span for (trace, _), span in self.spans.items() if trace == trace_id]
            lines = [line for line in self.lines.values() if line["trace_id"] == trace_id]
            spans.sort(key=lambda span: span["start_ns"])
            lines.sort(key=lambda line: line["ts"])
            yield text_waterfall.drawn(spans, lines, hue_of, columns, coloured=painter.coloured)
        lone = sorted(
            (line for line in self.lines.values() if not line["trace_id"]), key=lambda line: line["ts"]
        )
        if lone:
            told = [_line(line, hue_of[line["service"]], columns, painter) for line in lone[:_LONE_LINES]]
            yield "\n".join(["Log lines outside of a trace:", *told]) + "\n"


def of_otlp(data: object) -> tuple[list[Row], list[Row]]:
    """Spans and lines of OTLP/JSON (`resourceSpans`, `resourceLogs`). Raises UnreadableError."""
    if not isinstance(data, dict):
        raise UnreadableError("not an object")
    traces, logs = ({key: data.get(key) or []} for key in ("resourceSpans", "resourceLogs"))
    spans = decoding.decode_traces(json.dumps(traces).encode(), as_json=True).spans
    lines = decoding.decode_logs(json.dumps(logs).encode(), as_json=True).logs
    return [_row(span) for span in spans], [_row(line) for line in lines]


def _row(record: Any) -> Row:
    return {**record._asdict(), "service": record.resource.service}


def _line(line: Row, hue: int, columns: int, painter: Painter) -> str:
    level = level_name(line["sev"])
    service = printable(line["service"])
    message = printable(line["body"].partition("\n")[0])
    room = max(columns - 24 - len(service), 20)
    cut = message if len(message) <= room else f"{message[: room - 1]}…"
    head = painter.dim(clock(line["ts"])), painter.level(f"{level:<8}", level), painter.service(service, hue)
    return "  ".join((*head, cut))
