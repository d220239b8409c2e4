"""Of a trace with very many lines, the 2,000 to show at once, and where the errors around them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django_observe.console.outline import Entry
from django_observe.console.trace_reading import failed
from django_observe.console.trace_view import ROWS, View


@dataclass(frozen=True)
class Window:
    """The lines shown, how many there are, links to the windows beside and the errors beside the selected."""

    entries: Sequence[Entry]
    first: int
    last: int
    total: int
    errors: int
    earlier: str = ""
    later: str = ""
    previous_error: str = ""
    next_error: str = ""


def window(entries: Sequence[Entry], view: View) -> Window:
    """The window that the view asks for, or the one that holds what it selects."""
    selected = next((at for at, entry in enumerate(entries) if _is_selected(entry, view)), -1)
    pages = max(-(-len(entries) // ROWS), 1)
    page = selected // ROWS + 1 if selected >= 0 else min(view.page, pages)
    failures = [at for at, entry in enumerate(entries) if failed(entry)]
    before = [at for at in failures if at < selected]
    after = [at for at in failures if at > selected]
    return Window(
        entries=entries[(page - 1) * ROWS : page * ROWS],
        first=(page - 1) * ROWS + 1,
        last=min(page * ROWS, len(entries)),
        total=len(entries),
        errors=len(failures),
        earlier=view.query(page=page - 1, span="", log="") if page > 1 else "",
        later=view.query(page=page + 1, span="", log="") if page < pages else "",
        previous_error=_link(entries[before[-1]], view) if before else "",
        next_error=_link(entries[after[0]], view) if after else "",
    )


def _is_selected(entry: Entry, view: View) -> bool:
    if entry.log is not None:
        return bool(view.log) and str(entry.log["id"]) == view.log
    record = entry.node.record if entry.node and entry.kind == "span" else None
    return record is not None and bool(view.span) and record["span_id"].hex() == view.span


def _link(entry: Entry, view: View) -> str:
    if entry.log is not None:
        return view.query(span="", log=str(entry.log["id"])) + f"#log-{entry.log['id']}"
    identity = entry.node.record["span_id"].hex() if entry.node and entry.node.record else ""
    return view.query(span=identity, log="") + f"#s-{identity}"
