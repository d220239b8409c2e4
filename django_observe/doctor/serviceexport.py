"""The hop of the service's own export, by its books: this process may deliver where the service cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from django_observe import conf
from django_observe.doctor import arrival, asking, console, onward, otlpcase, servicespan
from django_observe.doctor.canary import Canary
from django_observe.doctor.exposed import Samples, read, samples_of
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.source import SourceError
from django_observe.metricset import INFO, SCRAPE_INCOMPLETE, TELEMETRY_DROPPED, TELEMETRY_EXPORTED
from django_observe.vocabulary import Label

HOP = "service's export"
SIGNALS = {"traces": "span", "logs": "line"}
WAIT_SECONDS = 4.0
"""A service sends what it has within a second, unless OTEL_BSP_SCHEDULE_DELAY says otherwise."""


@dataclass(frozen=True)
class Books:
    """What a service says of its export, by signal."""

    delivered: dict[str, float]
    lost: dict[str, str]
    are_whole: bool
    """Whether they are those of all its workers."""


def examine(canary: Canary) -> Iterator[Finding]:
    """What each service's metrics page says of what it has delivered and lost, the canary's own included."""
    path = conf.settings().metrics_path
    for url in canary.urls if path else ():
        found = books(url, path or "")
        if found is not None and canary.is_recorded:
            settled = arrival.awaited(partial(_settled, url, path or ""), canary, WAIT_SECONDS)
            found = settled or books(url, path or "")
        if found is not None:
            yield from _told(url, found, canary)


def books(url: str, path: str) -> Books | None:
    """Those of `url`; None where there is no page of ours to be read: the hop of the page says why."""
    try:
        answer = read(url, path)
    except FetchError:
        return None
    samples = samples_of(answer.body) if answer.status == HTTPStatus.OK else {}
    if INFO.name not in samples:
        return None
    alone = any(value for _, value in samples.get(SCRAPE_INCOMPLETE.name, []))
    return Books(_delivered(samples), _lost(samples), are_whole=not alone)


def _settled(url: str, path: str) -> Books | None:
    """The books once something of each signal has left the service: what was lost may be of another time."""
    found = books(url, path)
    return (
        found
        if found is not None and found.delivered and found.lost.keys() <= found.delivered.keys()
        else None
    )


def _told(url: str, books: Books, canary: Canary) -> Iterator[Finding]:
    address = asking.address(url)
    if not books.delivered and not books.lost:
        yield _idle(url, books, canary)
    for signal in SIGNALS:
        if signal in books.lost and signal not in books.delivered:
            lost = Finding(
                HOP,
                BROKEN,
                f"{address} has delivered none of its {signal}, and lost: {books.lost[signal]}",
                cause="its endpoint is another than this process's, or it cannot reach it",
                change=_endpoint(signal, canary),
            )
            yield onward.following(lost, signal, canary)
    if books.delivered:
        told = ", ".join(_counted(number, name) for name, number in books.delivered.items())
        before = "".join(
            f"; lost {name}: {books.lost[name]}" for name in books.lost if name in books.delivered
        )
        yield Finding(HOP, OK, f"{address} has delivered {told}{before}{_unlike(books)}")


def _unlike(books: Books) -> str:
    """Where a shell lacks the variables of the service, most hops have nothing to judge by."""
    if any(conf.otlp_endpoint(signal) for signal in books.delivered):
        return ""
    return f"; this shell has no {otlpcase.GENERAL}: run the doctor with the service's environment"


def _idle(url: str, books: Books, canary: Canary) -> Finding:
    """Nothing has left the service, nor tried to."""
    address = asking.address(url)
    if not (canary.is_recorded and books.are_whole and canary.answered.get(url) == canary.correlation_id):
        return Finding(HOP, NOT_CONFIGURED, f"{address} tells of nothing that was to leave it by OTLP")
    if canary.own_exporters or _has_arrived(canary):
        says = f"{address} exports by a TracerProvider of the project's own, which keeps no books"
        return Finding(HOP, NOT_CONFIGURED, says)
    idle = Finding(
        HOP,
        BROKEN,
        f"{address} has taken the canary, and exported nothing",
        cause="no OTLP endpoint is set where the service was started, its sampler keeps nothing, or its "
        "wsgi.py or asgi.py sets a TracerProvider",
        change=f"{_endpoint('traces', canary)}\n"
        "or remove trace.set_tracer_provider(...)    # from wsgi.py, asgi.py",
    )
    return onward.following(idle, "traces", canary)


def _has_arrived(canary: Canary) -> bool:
    """Whether its span is where traces are kept, whatever the books say."""
    try:
        store = console.trace_store(canary) if conf.exports("traces") else None
        return store is not None and bool(
            arrival.awaited(lambda: servicespan.served(store.spans(canary.trace_id)), canary)
        )
    except SourceError:
        return False


def _counted(number: float, signal: str) -> str:
    return f"{number:.0f} {SIGNALS.get(signal, signal)}{'' if number == 1 else 's'}"


def _endpoint(signal: str, canary: Canary) -> str:
    """What works here is to be the service's as well."""
    return f"{onward.same(signal, canary)}    # in the service's environment"


def _delivered(samples: Samples) -> dict[str, float]:
    found = samples.get(TELEMETRY_EXPORTED.total, [])
    return {labels[Label.SIGNAL]: value for labels, value in found if value and Label.SIGNAL in labels}


def _lost(samples: Samples) -> dict[str, str]:
    """By signal how many, and why."""
    lost: dict[str, str] = {}
    for labels, value in samples.get(TELEMETRY_DROPPED.total, []):
        if value:
            signal, told = labels.get(Label.SIGNAL, ""), f"{value:.0f} ({labels.get(Label.REASON, '')})"
            lost[signal] = f"{lost[signal]}, {told}" if signal in lost else told
    return lost
