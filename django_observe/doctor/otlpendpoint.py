"""The hop of export: the canary leaves by this process's own pipeline, and the receiver's answer is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import monotonic
from urllib.parse import urlsplit

from django_observe import conf, export, otlphttp
from django_observe.doctor import asking, otlpcase, otlpcauses, otlplook, ownprovider, sampling, timelimit
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.otlpcase import Cause
from django_observe.doctor.otlplook import Look
from django_observe.ledger import Ledger

HOP = "OTLP"
SIGNALS = {"traces": "span", "logs": "lines"}
SPOKEN = "http/protobuf"
EXPORT_SECONDS = 5.0
LOOK_SECONDS = 3.0


def examine(canary: Canary) -> Iterator[Finding]:
    """Of traces and of logs."""
    began = monotonic()
    exporting = [signal for signal in SIGNALS if conf.exports(signal)]
    if exporting:
        export.flush(timelimit.cut(EXPORT_SECONDS))
    took, books = monotonic() - began, export.snapshot()
    for signal in SIGNALS:
        if signal in exporting and not (signal == "traces" and not conf.settings().traces):
            is_own = signal == "traces" and canary.own_exporters is not None and canary.is_recorded
            yield _own(canary) if is_own else _signal(signal, canary, books, took)
        else:
            why = sampling.untraced() if signal == "traces" else sampling.unexported(signal)
            yield Finding(f"OTLP {signal}", NOT_CONFIGURED, why)


def _signal(signal: str, canary: Canary, books: Mapping[str, Ledger], took: float) -> Finding:
    hop, url = f"OTLP {signal}", otlphttp.url(signal) or ""

    def attempt(other: str) -> Look:
        return otlplook.look(signal, other, canary, LOOK_SECONDS)

    seen = attempt(url)
    if not seen.is_collector:
        return _broken(signal, hop, canary, otlpcauses.found(signal, seen, attempt))
    address, ledger = asking.address(url) + urlsplit(url).path, books.get(signal, Ledger())
    if ledger.lost or ledger.queued:
        canary.broken.setdefault(signal, hop)
        return _lost(signal, hop, address, ledger)
    canary.delivered[signal] = conf.otlp_endpoint(signal) or ""
    says = f"{address} answers as a collector; of the canary there was nothing to send"
    if ledger.exported:
        says = f"{address} took the canary's {SIGNALS[signal]} ({took * 1_000:.0f} ms)"
    asked = conf.otlp_variable(signal, "PROTOCOL") or SPOKEN
    unheard = "" if asked == SPOKEN else f"; as {SPOKEN}, though OTEL_EXPORTER_OTLP_PROTOCOL says {asked}"
    return Finding(hop, OK, f"{says}{unheard}")


def _own(canary: Canary) -> Finding:
    """A provider of the project's own delivers by itself, to wherever its exporters send; or not at all."""
    hop = f"{HOP} traces"
    if canary.own_exporters:
        ownprovider.flush(timelimit.cut(EXPORT_SECONDS))
        told = f"spans leave by {', '.join(canary.own_exporters)} of a TracerProvider of the project's own"
        return Finding(hop, NOT_CONFIGURED, f"{told}, which does not say where to, or whether they arrive")
    canary.broken["traces"] = hop
    says = "no span leaves this process, whatever the endpoint"
    return Finding(hop, BROKEN, says, ownprovider.CAUSE, ownprovider.CHANGE)


def _broken(signal: str, hop: str, canary: Canary, cause: Cause) -> Finding:
    """What comes later follows from this, and has its line where that is known."""
    canary.broken.setdefault(signal, hop)
    line = cause.change.partition("\n")[0].partition("    #")[0]
    if line.startswith(f"{otlpcase.variable(signal)}=") and "HOST" not in line:
        canary.proposed[signal] = line
    return Finding(hop, BROKEN, *cause)


def _lost(signal: str, hop: str, address: str, ledger: Ledger) -> Finding:
    """It answers as a collector to the look, and did not keep what was exported."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(ledger.dropped.items()))
    return Finding(
        hop,
        BROKEN,
        f"{address} did not keep the canary: {reasons or f'{ledger.queued} still queued'}",
        cause=f"it answers and rejects or delays {signal}: by a limit of its own, or it has just started",
        change="see the log of the collector, and run this once more",
    )
