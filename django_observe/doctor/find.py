"""`manage.py observe find`: where an ID is to be seen, and its timeline as far as anybody here knows it."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from time import time_ns
from typing import Final

from django.core.management.base import OutputWrapper

from django_observe import conf, correlation
from django_observe.console.id_prefix import meant, uncut
from django_observe.console.terminal import Painter, printable
from django_observe.console.traceid import is_trace_id
from django_observe.doctor import backends, console, links, loki
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import shown
from django_observe.doctor.jaeger import TraceStore
from django_observe.doctor.source import SourceError
from django_observe.doctor.timeline import Timeline
from django_observe.vocabulary import Field

DEFAULT_HOURS: Final = 24.0
MAX_TRACES: Final = 20
_HOUR_NS: Final = 3600 * 10**9
_NARROWEST: Final = 60
_NAME: Final = re.compile(r"""^["']?[A-Za-z][\w-]*["']?\s*[:=]\s*""")
"""Of the header or field that an ID was copied with."""
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `manage.py observe find` takes."""
    parser.add_argument(
        "id",
        type=_identifier,
        help="a correlation ID, a trace ID (32 hexadecimal digits), or a traceparent; where there is a "
        "console, also the first eight characters or more of a random one",
    )
    parser.add_argument(
        "--hours",
        type=_hours,
        default=DEFAULT_HOURS,
        metavar="N",
        help="how far back Jaeger and Loki are searched (default: %(default)g)",
    )
    parser.add_argument(
        "--width",
        type=int,
        default=0,
        metavar="N",
        help="characters in a line (default: those of the terminal)",
    )


def run(arguments: argparse.Namespace, out: OutputWrapper, painter: Painter) -> int:
    """Prints links and timeline to `out`; answers 0 if something was found, else 1."""
    known = backends.from_settings(conf.settings())
    now = time_ns()
    identifier, search, offered = _found(known, arguments.id, now - int(arguments.hours * _HOUR_NS), now)
    timeline = search.timeline
    for title, link in links.of(identifier, timeline, known):
        out.write(f"{painter.dim(f'{title:<18}')}  {link}")
    for note in search.notes:
        out.write(painter.bad(printable(shown(note))))
    columns = max(arguments.width or shutil.get_terminal_size((120, 24)).columns, _NARROWEST)
    for text in timeline.drawn(columns, painter):
        out.write(f"\n{text}", ending="")
    if not (timeline.spans or timeline.lines):
        out.write(f"\nNothing of {identifier} was found{_where(known)}.{_advice(identifier, offered)}")
    return 0 if timeline.spans or timeline.lines else 1


def _found(known: Backends, text: str, since_ns: int, until_ns: int) -> tuple[str, _Search, list[str]]:
    """The ID, what is known of it, and IDs that begin so: they are asked for if nothing has it exactly.

    A longer one is looked up by itself only if it is meant without doubt: `order-47112` is not `order-4711`.
    """
    identifier = uncut(text)
    exact = _Search(known, identifier, since_ns, until_ns)
    exact.run()
    if exact.timeline.spans or exact.timeline.lines or is_trace_id(identifier):
        return identifier, exact, []
    offered = exact.beginning()
    whole = meant(text, offered)
    if whole is None:
        return identifier, exact, offered
    longer = _Search(known, whole, since_ns, until_ns)
    longer.run()
    return whole, longer, []


class _Search:
    """Asks each backend; what one cannot answer is a note, and the others are asked all the same."""

    def __init__(self, known: Backends, identifier: str, since_ns: int, until_ns: int) -> None:
        self.timeline = Timeline()
        self.notes: list[str] = []
        self._id, self._since, self._until = identifier, since_ns, until_ns
        self._console = console.at(known.console) if known.console else None
        self._jaeger = TraceStore("jaeger", known.jaeger) if known.jaeger else None
        self._loki = loki.at(known.loki) if known.loki else None

    def run(self) -> None:
        """What is under the ID first, for it tells the traces; then what else is of these."""
        for ask in self._of_id():
            self._asked(ask)
        traces = [self._id.lower()] if is_trace_id(self._id) else []
        traces += [trace_id for trace_id in self.timeline.trace_ids if trace_id not in traces]
        for trace_id in traces[:MAX_TRACES]:
            for ask in self._of_trace(trace_id):
                self._asked(ask)
        if len(traces) > MAX_TRACES:
            self.notes.append(f"{len(traces)} traces have this ID; the first {MAX_TRACES} were asked for")

    def beginning(self) -> list[str]:
        """The IDs that begin so, of which only the console can be asked."""
        offered: list[str] = []
        if here := self._console:
            self._asked(lambda: offered.extend(here.beginning(self._id)))
        return offered

    def _asked(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except SourceError as fault:
            if fault.says not in self.notes:
                self.notes.append(fault.says)

    def _of_id(self) -> Iterator[Callable[[], None]]:
        timeline, since, until = self.timeline, self._since, self._until
        if here := self._console:
            yield lambda: timeline.add(here.of_correlation(self._id, since, until), here.lines(self._id))
        if store := self._jaeger:
            yield lambda: timeline.add(store.of_correlation(self._id, since, until))
        if lines := self._loki:
            yield lambda: timeline.add(lines=lines.of(Field.CORRELATION_ID, self._id, since, until))

    def _of_trace(self, trace_id: str) -> Iterator[Callable[[], None]]:
        timeline, since, until = self.timeline, self._since, self._until
        if here := self._console:
            yield lambda: timeline.add(*here.trace(trace_id))
        if store := self._jaeger:
            yield lambda: timeline.add(store.spans(trace_id))
        if lines := self._loki:
            yield lambda: timeline.add(lines=lines.of(Field.TRACE_ID, trace_id, since, until))


def _where(known: Backends) -> str:
    names = [name for name in ("console", "jaeger", "loki") if getattr(known, name)]
    if names:
        return f" in {', '.join(names)}"
    remedy = ", or start one by `django-observe console`" if known.looked else ""
    absent = known.absent("console, jaeger or loki")
    return f": {absent}; name one in DJANGO_OBSERVE['BACKENDS']{remedy}"


def _advice(identifier: str, offered: Sequence[str]) -> str:
    """Of what may be the beginning of an ID only."""
    if offered:
        return "\n".join([" These IDs begin so:", *(f"  {printable(shown(one))}" for one in offered)])
    if is_trace_id(identifier):
        return ""
    return " Only the console finds an ID by its first eight characters; elsewhere it has to be whole."


def _identifier(text: str) -> str:
    text = _NAME.sub("", text.strip()).strip("\"' ")
    parent = _TRACEPARENT.fullmatch(text)
    if parent:
        return parent[1]
    if correlation.accepted(uncut(text)) is None:
        raise argparse.ArgumentTypeError(f"{text[:64]!r} is no ID: those have 8 to 128 of A-Z a-z 0-9 . _ -")
    return text


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 365:
        raise argparse.ArgumentTypeError(f"{text} is not a number of hours, such as 24")
    return hours
