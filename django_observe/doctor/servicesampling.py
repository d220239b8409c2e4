"""The hop of the service's own sampler: as the canary arrives sampled, a trace that begins there tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import time_ns
from typing import Final

from django_observe import conf
from django_observe.doctor import arrival, asking, console, serviceexport, servicespan
from django_observe.doctor.canary import Canary
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import NOT_CONFIGURED, OK, Finding
from django_observe.doctor.source import SourceError

HOP: Final = "service's sampling"
QUIET_SECONDS: Final = 2.5
"""After the canary was sent; its own spans have left the service by then."""
_MINUTE_NS: Final = 60 * 10**9


def examine(canary: Canary) -> Iterator[Finding]:
    """Sends a request without a traceparent to each service that exports spans, and looks for its spans."""
    path = conf.settings().metrics_path
    for url, answered in canary.answered.items() if path and canary.is_recorded else ():
        if answered == canary.correlation_id and _exported(url, path or ""):
            yield from _asked(url, path or "", canary)


def _asked(url: str, path: str, canary: Canary) -> Iterator[Finding]:
    identifier = f"{canary.correlation_id}-root"
    try:
        looked = _in_store(canary, identifier) or _in_books(url, path, canary)
        asking.send_root(url, identifier)
        is_kept = arrival.awaited(looked, canary, serviceexport.WAIT_SECONDS)
    except (FetchError, SourceError):
        return  # the hops of the service and of the store say why
    if is_kept:
        yield Finding(HOP, OK, f"{asking.address(url)} exports spans of a trace that begins there")
    else:
        yield Finding(
            HOP,
            NOT_CONFIGURED,
            f"{asking.address(url)} kept nothing of one trace that began there: its sampler drops all or "
            "some of them; see OTEL_TRACES_SAMPLER and _ARG in the service's environment",
        )


def _in_store(canary: Canary, identifier: str) -> Callable[[], bool] | None:
    """A look for the request where the canary's span of the service has arrived, if it has."""
    store = console.trace_store(canary) if conf.exports("traces") else None
    if store is None or not servicespan.served(store.spans(canary.trace_id)):
        return None
    since = canary.started_ns - _MINUTE_NS
    return lambda: bool(store.of_correlation(identifier, since, time_ns() + _MINUTE_NS))


def _in_books(url: str, path: str, canary: Canary) -> Callable[[], bool]:
    """A look at the count of spans, which others that ask the service raise as well."""
    quiet = canary.started_ns + int(QUIET_SECONDS * 1e9)
    arrival.awaited(lambda: time_ns() > quiet, canary, QUIET_SECONDS)
    before = _exported(url, path)
    return lambda: _exported(url, path) > before


def _exported(url: str, path: str) -> float:
    """How many spans the service has delivered; 0 where its books are not those of all its workers."""
    books = serviceexport.books(url, path)
    return books.delivered.get("traces", 0.0) if books is not None and books.are_whole else 0.0
