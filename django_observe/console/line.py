"""One line of the waterfall, ready to be drawn: by the page, or as text in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_observe.console.formatting import offset, visible
from django_observe.console.scale import Bar, Scale
from django_observe.console.severity import level_name

KINDS: Final = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_INDENTS: Final = 12
_MESSAGE_CHARS: Final = 400


@dataclass(slots=True)
class Line:
    """`text` and all other texts are safe to show: control characters are escapes.

    `named` tells that the service differs from the line above in the tree, `thin` how far spans below reach
    beyond the bar, `path` which parts are on the critical path, `comb` where the calls of a fold lie,
    `count` how many spans a fold or a closed line stands for, `href` where a linked span is,
    `beyond` what to write where its bar would be if there were room.
    """

    kind: str
    id: str
    indent: int
    text: str
    depth: int = 0
    service: str = ""
    named: bool = False
    hue: int = 0
    span_kind: str = ""
    icon: str = ""
    hint: str = ""
    measure: str = ""
    self_time: str = ""
    bar: Bar | None = None
    thin: Bar | None = None
    wait: Bar | None = None
    wait_text: str = ""
    path: Sequence[Bar] = ()
    comb: Sequence[Bar] = ()
    marks: Sequence[float] = ()
    error: bool = False
    error_text: str = ""
    level: str = ""
    parent: bool = False
    closed: bool = False
    count: int = 0
    linked: bool = False
    href: str = ""
    hit: bool = False
    beyond: str = ""
    record: Any = None


def indent_of(depth: int) -> int:
    """How far a line is moved in; beyond twelve levels there is no room."""
    return min(depth, _INDENTS)


def log_line(log: Any, depth: int, scale: Scale, hues: Mapping[str, int], *, hit: bool = False) -> Line:
    """A log line; its measure is the time since the trace's start."""
    level = level_name(log["sev"])
    return Line(
        kind="log",
        id=str(log["id"]),
        indent=indent_of(depth),
        depth=depth,
        text=visible(log["body"][:_MESSAGE_CHARS].partition("\n")[0]),
        service=visible(log["service"]),
        hue=hues.get(log["service"], 0),
        measure=offset(log["ts"] - scale.start_ns),
        bar=scale.mark(log["ts"]),
        error=level in ("ERROR", "CRITICAL"),
        error_text=visible(log["error"]),
        level=level,
        hit=hit,
        record=log,
    )
