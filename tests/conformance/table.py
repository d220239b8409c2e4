"""The table itself: what a run found, as the page docs/reference/conformance.md."""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tests import tables

PEERS = Path(__file__).with_name("peers.json")
"""The cells of the last run with the hand assembly, by `make conformance-peers`."""

GROUPS = {
    "in": "What comes in",
    "answers": "Every kind of answer",
    "Django": "Through Django",
    "out": "Outbound HTTP",
    "Celery": "Celery, on every pool and both brokers",
    "concurrency": "Threads, tasks and processes",
    "elsewhere": "Elsewhere",
}

_PREFORK = "only the prefork pool has processes of its own, which can be killed, stopped or interrupted"

SCATTERED = {"elsewhere"}
"""Groups in which hardly two rows share their columns: those are named within the cell."""

ALONE = "by itself"
"""Heading of the cells of rows that have no columns."""

NOT_APPLICABLE: dict[str, str] = {
    "acks_late, its pool process killed: runs again": _PREFORK,
    "revoked and terminated in its run": _PREFORK,
    "soft time limit hit": _PREFORK,
    "time limit hit, with a link_error": _PREFORK,
    "malformed: control characters (7 values)": "gunicorn answers 400 to all of them by itself, uvicorn to "
    "NUL and to a bare CR; Django sees no such request. No line and no answer has the value all the same.",
    "malformed: too short or too long (8 values)": "1 MB is refused by either server itself.",
    "tried again after a 503": "by the client itself where it can (Session, urllib3), else by the caller's "
    "own loop; httpx tries again only where a connection was refused.",
    "tried again after a refused connection": "only httpx' transport says when it was refused.",
    "the exporter's own requests: no span, neither ID nor trace": "the exporter uses requests.",
}
"""By row: why not every column has it, or not as the others."""

INTRODUCTION = """\
# Conformance

<!-- Written by `make conformance` from a run; do not edit. -->

For every way a request can travel: do the correlation ID and the trace survive, and does nothing survive
that should not? Each row is a test that drives real programs (gunicorn, uvicorn, daphne, Celery workers,
Redis, RabbitMQ) from outside and looks at the far end. It asserts there

- *line*: the same correlation ID in the log line,
- *readable*: through `correlation_id()`,
- *span*: and on the span that is current there;
- *trace*: that this span is of the expected trace, with the expected parents or link;
- *clean*: that afterwards nothing is left behind in the thread, task or loop;
- *also*: what this row alone promises.

**yes**: all of that held, and what the row's name says; an aspect that a row has nothing to assert of is
named below its table, with the reason. Anything else names what failed. A dash: the row was not made for
that column; where that is not plain from the names, a remark says why. A *peer* is in `TRUSTED_PEERS`, a
*stranger* is not. The column *Django 6.1* runs in an environment of its own; *by itself* is a row that has
no variants.

The last column, which the counts below leave out, is the same row run against an assembly by hand:
django-guid with its Celery integration, and OpenTelemetry's own instrumentations of Django, ASGI, Celery,
requests, urllib3, httpx, urllib, threading, gRPC and Kafka, each wired as its own pages say
(tests/conformance/project/hand.py). It puts no ID on spans, so *span* fails wherever one is asked for;
*also* holds promises that only this package makes, such as the request's and the task's own line. The other
names tell what gets lost, in all columns or in those named.

{rows} rows, {cells} cells: {told}, {skipped} skipped. It took {minutes} minutes on Python {python}
with {versions}.
`make conformance` runs it again and writes this page; `make conformance-peers` before it renews the last
column."""

ASPECTS = ("line", "readable", "span", "trace", "clean", "also")
"""What a row looks at, in the order in which what is missing is listed; see `rows.Aspect`."""

_PACKAGES = ("django", "celery", "opentelemetry-sdk", "gunicorn", "uvicorn")


@dataclass(frozen=True)
class Cell(tables.Cell):
    """One row in one column, as it came out."""

    aspects: dict[str, bool] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    """The aspects that there is nothing to assert of, with the reason."""

    @property
    def text(self) -> str:
        """How it came out: the aspects that failed, where any did."""
        if self.outcome == "passed":
            return "yes"
        missing = [name for name, held in self.aspects.items() if not held]
        return f"**no**: {', '.join(missing) or self.outcome}"


def page(cells: list[Cell], seconds: float) -> str:
    """The page in Markdown."""
    peers = _peers()
    parts = [_head(cells, seconds)]
    for group, title in GROUPS.items():
        own = [cell for cell in cells if cell.group == group]
        if own:
            parts.append(f"## {title}\n\n{_table(own, [cell for cell in peers if cell.group == group])}")
            parts += ["\n".join(remarks)] if (remarks := _remarks(own)) else []
    return "\n\n".join(parts) + "\n"


def _remarks(cells: list[Cell]) -> list[str]:
    """What a reader of the rows has to know, each remark once with all rows that it is about."""
    found: dict[str, dict[str, None]] = {}
    for cell in cells:
        remarks = [f"no *{names}*: {why}" for names, why in cell.without.items()]
        for remark in [*remarks, *filter(None, [NOT_APPLICABLE.get(cell.row)])]:
            found.setdefault(remark, {})[cell.row] = None
    return [f"- {'; '.join(rows)}: {remark.rstrip('.')}." for remark, rows in found.items()]


def _head(cells: list[Cell], seconds: float) -> str:
    outcomes = Counter(cell.outcome for cell in cells)
    skipped = outcomes.pop("skipped", 0)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    rows = len({(cell.group, cell.row) for cell in cells})
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return INTRODUCTION.format(
        rows=rows,
        cells=len(cells),
        told=told,
        skipped=skipped,
        minutes=f"{seconds / 60:.1f}",
        python=platform.python_version(),
        versions=versions,
    )


def _table(cells: list[Cell], peers: list[Cell]) -> str:
    columns = list(dict.fromkeys(cell.column for cell in cells))
    scattered = cells[0].group in SCATTERED
    heads = [""] if scattered else [column or ALONE for column in columns]
    lines = []
    for row in dict.fromkeys(cell.row for cell in cells):
        own = {cell.column: cell.text for cell in cells if cell.row == row}
        told = [_scattered(own)] if scattered else [own.get(column, "-") for column in columns]
        lines.append([row, *told, _together([cell for cell in peers if cell.row == row])])
    return tables.grid(["", *heads, "by hand"], lines)


def _scattered(own: dict[str, str]) -> str:
    return ", ".join(f"{text} ({column})" if column else text for column, text in own.items())


def _together(cells: list[Cell]) -> str:
    """The peers' cells of a row as one: what is missing, and in which columns where it is not in all."""
    cells = [cell for cell in cells if cell.outcome != "skipped"]
    if not cells:
        return "-"
    if all(cell.outcome == "passed" for cell in cells):
        return "yes"
    missing: dict[str, list[str]] = {}
    for cell in cells:
        for name in ASPECTS:
            if cell.aspects.get(name) is False:
                missing.setdefault(name, []).append(cell.column)
    told = [
        name if len(columns) == len(cells) else f"{name} ({'; '.join(columns)})"
        for name, columns in missing.items()
    ]
    return f"no: {', '.join(told) or 'nothing arrives'}"


def _peers() -> list[Cell]:
    return [Cell(**cell) for cell in json.loads(PEERS.read_text())] if PEERS.exists() else []
