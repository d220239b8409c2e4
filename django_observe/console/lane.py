"""What lies in the timeline column of a line, as SVG: bars, waits, the critical path, events."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from django_observe.console.line import Line
from django_observe.console.scale import Bar

_BARS = {"gap": "g"}


def lane(line: Line) -> SafeString:
    """The content of the line's `<svg>`; places are percent, all else is said by the classes' style."""
    if line.kind == "log":
        return format_html('<rect class="t" x="{}%"/>', line.bar.x) if line.bar else SafeString()
    drawn = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%"/>',
        ((name, bar.x, bar.width) for name, bar in _rectangles(line)),
    )
    if line.marks:
        drawn += format_html_join("", '<circle cx="{}%" cy="11" r="3"/>', ((x,) for x in line.marks))
    if line.beyond:
        drawn += format_html('<text x="100%" y="18">{}</text>', line.beyond)
    return drawn


def _rectangles(line: Line) -> Iterator[tuple[str, Bar]]:
    """In the order in which they are painted."""
    if line.thin:
        yield "th", line.thin
    if line.wait:
        yield "q", line.wait
    if line.bar:
        yield _BARS.get(line.kind, "b"), line.bar
    for bar in line.comb:
        yield "b", bar
    for bar in line.path:
        yield "p", bar
