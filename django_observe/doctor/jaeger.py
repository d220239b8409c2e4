"""Jaeger: is the canary's trace in it? Asked by its query API v3, which the console speaks as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import urlsplit

from django_observe import traces
from django_observe.console.decoding import UnreadableError
from django_observe.doctor import arrival, onward, sampling, timeline
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.source import Source, SourceError
from django_observe.doctor.timeline import Row
from django_observe.vocabulary import Attribute

HOP: Final = "Jaeger"
OTLP_PORT: Final = 4318
_SERVICES: Final = 50
_TRACES: Final = "20"


@dataclass(frozen=True)
class TraceStore(Source):
    """Whatever answers /api/v3/traces."""

    def spans(self, trace_id: str) -> list[Row]:
        """The spans of a trace, none where it is not there. Raises SourceError."""
        return self._spans(f"/api/v3/traces/{trace_id}", None)

    def services(self) -> list[str]:
        """Names of those that have sent spans. Raises SourceError."""
        answer = self.json("/api/v3/services")
        names = answer.get("services") if isinstance(answer, dict) else None
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def of_correlation(self, correlation_id: str, since_ns: int, until_ns: int) -> list[Row]:
        """The spans of traces that have the ID on a span; Jaeger wants a service for each question."""
        wanted = json.dumps({Attribute.CORRELATION_ID: correlation_id})
        return [
            span
            for service in self.services()[:_SERVICES]
            for span in self._search(service, since_ns, until_ns, {"query.attributes": wanted})
        ]

    def has_older(self, service: str, until_ns: int) -> bool:
        """Whether there are spans of `service` from the hour before `until_ns`. Raises SourceError."""
        return bool(self._search(service, until_ns - 3600 * 10**9, until_ns, {"query.search_depth": "1"}))

    def _search(self, service: str, since_ns: int, until_ns: int, query: dict[str, str]) -> list[Row]:
        told = {
            "query.service_name": service,
            "query.start_time_min": _rfc3339(since_ns),
            "query.start_time_max": _rfc3339(until_ns),
            "query.search_depth": _TRACES,
        }
        return self._spans("/api/v3/traces", {**told, **query})

    def _spans(self, path: str, query: dict[str, str] | None) -> list[Row]:
        answer = self.json(path, query, missing=True)
        if answer is None:
            return []
        try:
            found, _ = timeline.of_otlp(answer.get("result") if isinstance(answer, dict) else None)
        except UnreadableError:
            raise self.unlike(path) from None
        return found


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for the canary's trace."""
    url = canary.backends.jaeger
    if url is None:
        yield Finding(HOP, NOT_CONFIGURED, canary.backends.absent(HOP))
        return
    yield onward.judged(_looked(canary, TraceStore("jaeger", url)), "jaeger", canary)


def _looked(canary: Canary, store: TraceStore) -> Finding:
    try:
        found = arrival.of_spans(lambda: store.spans(canary.trace_id), canary)
    except SourceError as fault:
        return fault.finding(HOP)
    endpoint = f"http://{urlsplit(store.address).hostname}:{OTLP_PORT}"
    return told(HOP, found, store.address) if found else missing(HOP, canary, store, endpoint)


def told(hop: str, spans: list[Row], address: str) -> Finding:
    """Whose spans have arrived."""
    services = ", ".join(sorted({span["service"] for span in spans}))
    return Finding(hop, OK, f"{_counted(len(spans), 'span')} of {services} at {address}")


def missing(hop: str, canary: Canary, store: Source, endpoint: str) -> Finding:
    """Why the trace may not be there; `endpoint` is where the store takes OTLP."""
    says = f"the canary's trace is not at {store.address}"
    if not traces.wanted():
        if sampling.is_switched_off() or store.key not in canary.backends.given:
            return Finding(hop, NOT_CONFIGURED, f"no traces: {sampling.untraced()}")
        return Finding(
            hop,
            BROKEN,
            says,
            "no OTLP endpoint is set where this process was started",
            onward.change("traces", endpoint),
        )
    if not canary.is_recorded:
        return Finding(hop, NOT_CONFIGURED, "the canary was sampled out, so there is nothing to find")
    if "traces" not in canary.delivered:
        return Finding(
            hop, NOT_CONFIGURED, "nobody is known to have taken the canary's span: see OTLP traces"
        )
    return Finding(hop, BROKEN, says, onward.cause("traces"), onward.change("traces", endpoint))


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _rfc3339(time_ns: int) -> str:
    moment: Any = datetime.fromtimestamp(time_ns // 10**9, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
