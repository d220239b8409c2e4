"""The local console: are the canary's spans and lines in it? If not, what it last refused tells why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django_observe import conf, traces
from django_observe.console import severity
from django_observe.console.client import TOKEN_VARIABLE
from django_observe.console.decoding import UnreadableError
from django_observe.doctor import arrival, jaeger, onward, timeline
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.jaeger import TraceStore
from django_observe.doctor.source import SourceError
from django_observe.doctor.timeline import Row

HOP: Final = "console"


@dataclass(frozen=True)
class Console(TraceStore):
    """A running console."""

    def trace(self, trace_id: str) -> tuple[list[Row], list[Row]]:
        """Spans and lines of a trace. Raises SourceError."""
        path = f"/trace/{trace_id}.json"
        answer = self.ask(path)
        if answer.status == 404 and answer.body.startswith(b"This trace"):  # noqa: PLR2004 - Not Found
            return [], []
        try:
            return timeline.of_otlp(self.json(path))
        except UnreadableError:
            raise self.unlike(path) from None

    def lines(self, correlation_id: str) -> list[Row]:
        """The lines under a correlation ID, at most 500. Raises SourceError."""
        path = "/api/logs"
        answer = self.json(path, {"correlation_id": correlation_id, "limit": "500"})
        try:
            return [_line(one) for one in answer["logs"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self.unlike(path) from None

    def beginning(self, prefix: str) -> list[str]:
        """The first of the IDs that begin so. Raises SourceError."""
        path = "/api/ids"
        answer = self.json(path, {"prefix": prefix})
        try:
            return [str(one) for one in answer["ids"]]
        except (KeyError, TypeError):
            raise self.unlike(path) from None

    def started(self) -> str:
        """Its address, or the command that starts it."""
        return f"{self.setting()}\nor start it: django-observe console"

    def introduced(self) -> str:
        """Its token, which it prints when it starts."""
        return f"{TOKEN_VARIABLE}=..."

    def status(self) -> tuple[str, str]:
        """Where it takes OTLP, and why it turned the last request away, if it did. Raises SourceError."""
        answer = self.json("/api/status")
        if not isinstance(answer, dict):
            raise self.unlike("/api/status")
        last, endpoint = answer.get("last_refusal"), str(answer.get("endpoint") or "http://HOST:4318")
        refused = f"{last.get('status')}: {last.get('reason')}" if isinstance(last, dict) else ""
        return endpoint, refused


def at(url: str) -> Console:
    """The console at `url`, asked with the token of the environment."""
    token = conf.environment(TOKEN_VARIABLE)
    return Console("console", url, {"X-Observe-Token": token} if token else {})


def trace_store(canary: Canary) -> TraceStore | None:
    """Where traces can be asked for: what BACKENDS names, else what is found and has the canary's."""
    known = canary.backends
    if not traces.wanted():
        return None
    stores: list[TraceStore] = [at(known.console)] if known.console else []
    stores += [TraceStore("jaeger", known.jaeger)] if known.jaeger else []
    named = [store for store in stores if store.key in known.given]
    if not named and stores:
        named = arrival.of_spans(lambda: [store for store in stores if _has(store, canary)], canary)
    return next(iter(named), None)


def _has(store: TraceStore, canary: Canary) -> bool:
    try:
        return bool(store.spans(canary.trace_id))
    except SourceError:  # its own hop says so
        return False


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for the canary's spans, then for its lines."""
    url = canary.backends.console
    if url is None:
        yield Finding(HOP, NOT_CONFIGURED, canary.backends.absent(HOP))
        return
    console = at(url)
    try:
        for look in (_spans, _lines):
            yield onward.judged(look(canary, console), HOP, canary)
    except SourceError as fault:
        yield onward.judged(fault.finding(HOP), HOP, canary)


def _spans(canary: Canary, console: Console) -> Finding:
    spans = arrival.of_spans(lambda: console.spans(canary.trace_id), canary)
    return jaeger.told(HOP, spans, console.address) if spans else _explained(canary, console)


def _explained(canary: Canary, console: Console) -> Finding:
    endpoint, refused = console.status()
    found = jaeger.missing(HOP, canary, console, endpoint)
    if found.state != BROKEN or not refused:
        return found
    return replace(found, cause=f"{found.cause}; the last request it refused with {refused}")


def _lines(canary: Canary, console: Console) -> Finding:
    hop = f"{HOP}: lines"
    if not conf.exports("logs"):
        why = "OTEL_LOGS_EXPORTER is not otlp" if conf.otlp_endpoint("logs") else "no OTLP endpoint is set"
        return Finding(hop, NOT_CONFIGURED, f"not looked for: this process exports no lines, as {why}")
    lines = arrival.awaited(lambda: console.lines(canary.correlation_id), canary)
    if lines:
        return Finding(hop, OK, f"{len(lines)} under the canary's ID at {console.address}")
    if "logs" not in canary.delivered:
        return Finding(hop, NOT_CONFIGURED, "no line has left this process: see OTLP logs")
    says = f"no line under the canary's ID at {console.address}"
    return Finding(hop, BROKEN, says, onward.cause("logs"), onward.change("logs", console.status()[0]))


def _line(told: dict[str, Any]) -> Row:
    """A line of /api/logs by the names of the console's columns."""
    at_time = datetime.fromisoformat(told["timestamp"].replace("Z", "+00:00"))
    return {
        "ts": int(at_time.timestamp()) * 10**9 + at_time.microsecond * 1000,
        "service": str(told["service"]),
        "sev": severity.minimum(told["level"]),
        "logger": str(told["logger"]),
        "body": str(told["message"]),
        "trace_id": bytes.fromhex(told["trace_id"]) if told["trace_id"] else None,
        "span_id": bytes.fromhex(told["span_id"]) if told["span_id"] else None,
        "corr": told["correlation_id"],
        "attrs": "{}",
    }
