"""The hop of the service's own span: only where it is in the canary's trace does that go on."""

from __future__ import annotations

from collections.abc import Iterator
from time import time_ns
from typing import Final

from django_observe import conf
from django_observe.doctor import arrival, console, onward, ownprovider
from django_observe.doctor.canary import Canary
from django_observe.doctor.clock import TOLERATED
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.jaeger import TraceStore
from django_observe.doctor.source import SourceError
from django_observe.doctor.timeline import Row

HOP: Final = "service's span"
_SERVER: Final = 2
"""SPAN_KIND_SERVER."""
_MINUTE_NS: Final = 60 * 10**9


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for it where traces are kept: in the console, else in Jaeger."""
    if canary.correlation_id not in canary.answered.values():
        yield Finding(HOP, NOT_CONFIGURED, "no service has answered the canary")
        return
    if not conf.exports("traces"):
        yield Finding(HOP, NOT_CONFIGURED, "not looked for: this process exports no spans")
        return
    try:
        store = console.trace_store(canary)
        if store is None:
            yield Finding(HOP, NOT_CONFIGURED, "no console or Jaeger is known that has the canary's trace")
        else:
            yield from _looked(canary, store)
    except SourceError as fault:  # the store's own hop says so as well, with cause and change
        yield Finding(HOP, NOT_CONFIGURED, f"not to be told: {fault.says}")


def _looked(canary: Canary, store: TraceStore) -> Iterator[Finding]:
    spans = arrival.awaited(lambda: served(store.spans(canary.trace_id)), canary)
    if not spans:
        yield _missing(canary, store)
        return
    span = spans[0]
    ahead, behind = (span["start_ns"] - time_ns()) / 1e9, (canary.started_ns - span["start_ns"]) / 1e9
    if max(ahead, behind) > TOLERATED:
        off = f"{ahead:.0f} s from now" if ahead > behind else f"{behind:.0f} s before it was asked"
        yield Finding(
            HOP,
            BROKEN,
            f"{span['service']} says it began {off}",
            cause="its clock is not this machine's: its spans and lines stand in the wrong places",
            change="timedatectl set-ntp true    # on the one that timedatectl timesync-status finds off",
        )
    else:
        yield Finding(HOP, OK, f"{span['name']!r} of {span['service']}, in the canary's trace")


def _missing(canary: Canary, store: TraceStore) -> Finding:
    """Under the canary's ID it may be in another trace; else it has not left the service."""
    since, until = canary.started_ns - _MINUTE_NS, time_ns() + _MINUTE_NS
    elsewhere = served(store.of_correlation(canary.correlation_id, since, until))
    if elsewhere:
        return Finding(
            HOP,
            BROKEN,
            f"{elsewhere[0]['service']} has begun a trace of its own, {elsewhere[0]['trace_id'].hex()}",
            cause="the canary's traceparent did not arrive: a proxy between takes it away",
            change="between services, in nginx: proxy_set_header traceparent $http_traceparent;\n"
            f'at the edge, in nginx: proxy_set_header {conf.settings().correlation_headers[0]} "";',
        )
    says = f"the service took the canary, and its span is not at {store.address}"
    if canary.own_exporters:
        cause = "the exporter of the project's own TracerProvider sends it elsewhere, or does not reach it"
        return Finding(HOP, BROKEN, says, cause, ownprovider.CHANGE)
    missing = Finding(
        HOP,
        BROKEN,
        says,
        cause="it is exported elsewhere, its sampler drops it whoever asks, or it does not leave",
        change=f"{onward.same('traces', canary)}\n"
        "OTEL_TRACES_SAMPLER=parentbased_always_on    # both in the service's environment",
    )
    return onward.following(missing, "traces", canary)


def served(spans: list[Row]) -> list[Row]:
    """Those of requests that a service has taken."""
    return [span for span in spans if span["kind"] == _SERVER]
