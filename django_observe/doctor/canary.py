"""The canary: what is sent under an ID that nothing else has, and looked for where it should arrive."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from time import time_ns

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, get_tracer

from django_observe import correlation, traces
from django_observe.doctor import ownprovider
from django_observe.doctor.backends import Backends

SPAN_NAME = "observe doctor"
TRIES = 20_000
"""Spans begun until the sampler keeps one: enough for a ratio of 1 in 1,000."""


@dataclass(frozen=True)
class Canary:
    """What is sent, and where to."""

    correlation_id: str
    trace_id: str
    started_ns: int
    """Unix time in nanoseconds."""
    urls: tuple[str, ...]
    """Of the running service; empty: nobody has named it, and it is not at the usual address."""
    timeout: float
    """Seconds for the whole examination."""
    backends: Backends
    nowhere: str = ""
    """Why there are no URLs."""
    span_id: str = ""
    """Of the span that the canary's requests and messages are children of."""
    is_recorded: bool = False
    """Whether that span was recorded, to be exported by this process."""
    answered: dict[str, str] = field(default_factory=dict)
    """By URL the ID under which a service has answered; another than the canary's where it does not trust."""
    counted: dict[str, float] = field(default_factory=dict)
    """By URL how many requests the service had counted before the canary's."""
    delivered: dict[str, str] = field(default_factory=dict)
    """By signal the endpoint that took what this process sent."""

    broken: dict[str, str] = field(default_factory=dict)
    """By signal the hop at which it has broken: what comes later follows from that."""
    own_exporters: tuple[str, ...] | None = None
    """By what this process's spans leave where a provider of the project's own is used."""
    proposed: dict[str, str] = field(default_factory=dict)
    """By signal the line that this hop has found to work."""

    @property
    def traceparent(self) -> str:
        """As W3C Trace Context has it; sampled, so that a service which samples by its parent keeps it."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def sent(urls: tuple[str, ...], timeout: float, backends: Backends, nowhere: str = "") -> Canary:
    """A canary whose own span has ended, and waits for export where this process exports and samples it."""
    identifier, started = f"doctor-{secrets.token_hex(6)}", time_ns()
    trace_id, span_id, is_recorded = secrets.token_hex(16), secrets.token_hex(8), False
    exporters = None
    if traces.enabled():
        exporters = ownprovider.exporters()
        with correlation.correlated(identifier):
            trace_id, span_id, is_recorded = _traced()
    return Canary(
        identifier,
        trace_id,
        started,
        urls,
        timeout,
        backends,
        nowhere,
        span_id,
        is_recorded,
        own_exporters=exporters,
    )


def _traced() -> tuple[str, str, bool]:
    """Trace ID, span ID, and whether a span of these was recorded: the first that the sampler keeps."""
    tracer = get_tracer("django_observe")
    for _ in range(TRIES):
        span = tracer.start_span(SPAN_NAME, Context(), SpanKind.INTERNAL)
        if span.is_recording():
            break
    span.end()
    context = span.get_span_context()
    return (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
        span.is_recording() or context.trace_flags.sampled,
    )
