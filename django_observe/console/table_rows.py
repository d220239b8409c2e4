"""Lines of the waterfall as the template writes them: it finds keys quicker than attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_observe.console.lane import lane
from django_observe.console.line import Line
from django_observe.console.trace_view import View

_SHOWN = ("kind", "id", "depth", "text", "service", "named", "icon", "hint", "measure", "self_time")
_TIMED = frozenset({"span", "log", "gap"})
_ALSO_SHOWN = ("wait_text", "error", "level", "closed", "count", "linked", "href")


def table_rows(lines: Iterable[Line], view: View) -> list[dict[str, Any]]:
    """What a row shows, with its links to open, close and select it."""
    shut, opened = view.toggling("shut"), view.toggling("open")
    rows = []
    for line in lines:
        row = {name: getattr(line, name) for name in (*_SHOWN, *_ALSO_SHOWN)}
        row["css"], row["lane"] = _classes(line), lane(line)
        row["toggle"] = (opened if line.kind == "fold" else shut)(line.id) if line.parent else ""
        row["selected"] = bool(line.id) and line.id == (view.log if line.kind == "log" else view.span)
        rows.append(row)
    return rows


def _classes(line: Line) -> str:
    flags = {
        " error": line.error and line.kind != "log",
        " hit": line.hit,
        " closed": line.closed,
        " out": line.kind in _TIMED and not (line.bar or line.wait),
        f" lv-{line.level}": line.level,
    }
    states = "".join(name for name, is_so in flags.items() if is_so)
    return f"{line.kind} hue-{line.hue} in-{line.indent}{states}"
