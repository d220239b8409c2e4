"""The hop of the sampler: what it drops is nowhere, without anybody's fault."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opentelemetry import trace

from django_observe import conf, traces
from django_observe.doctor.canary import TRIES, Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding

HOP = "sampling"
_RATIO = re.compile(r"TraceIdRatioBased\{([0-9.e-]+)\}")


def examine(canary: Canary) -> Iterator[Finding]:
    """Whether any trace of this process's own is kept, and how many."""
    if not traces.enabled():
        yield Finding(HOP, NOT_CONFIGURED, f"no traces: {untraced()}")
        return
    given = " ".join(
        f"{name}={value}"
        for name in ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")
        if (value := conf.environment(name))
    )
    sampler = getattr(trace.get_tracer_provider(), "sampler", None)
    described = sampler.get_description() if sampler is not None else "a provider of the project's own"
    if not canary.is_recorded:
        canary.broken["traces"] = HOP
        yield Finding(
            HOP,
            BROKEN,
            f"no trace is kept: of {TRIES:,} canaries the sampler kept none",
            cause=f"{given or 'the provider'} makes the sampler {described}",
            change="OTEL_TRACES_SAMPLER=parentbased_always_on    # or parentbased_traceidratio, and its _ARG",
        )
        return
    kept = ratio()
    told = f" ({given})" if given else ""
    if kept is None:
        yield Finding(HOP, OK, f"every trace that begins in this process is kept{told}")
    else:
        yield Finding(HOP, OK, f"{kept:.4g} of all traces that begin in this process are kept{told}")


def ratio() -> float | None:
    """Of the traces that begin in this process, how many are kept; None where no ratio leaves any out."""
    sampler = getattr(trace.get_tracer_provider(), "sampler", None)
    found = _RATIO.search(sampler.get_description()) if sampler is not None else None
    kept = float(found[1]) if found else 1.0
    return kept if kept < 1 else None


def untraced() -> str:
    """Why this process exports no traces."""
    if not conf.settings().traces:
        return "DJANGO_OBSERVE['TRACES'] is False"
    return unexported("traces")


def is_switched_off() -> bool:
    """Whether somebody has decided that there are no traces, be there an endpoint or not."""
    exporters = (conf.environment("OTEL_TRACES_EXPORTER").lower() or "otlp").split(",")
    is_disabled = conf.environment("OTEL_SDK_DISABLED").lower() == "true"
    return not conf.settings().traces or is_disabled or "otlp" not in map(str.strip, exporters)


def unexported(signal: str) -> str:
    """Why `signal` does not leave by OTLP."""
    if conf.environment("OTEL_SDK_DISABLED").lower() == "true":
        return "OTEL_SDK_DISABLED is true"
    if not conf.otlp_endpoint(signal):
        return "OTEL_EXPORTER_OTLP_ENDPOINT is not set"
    exporter = f"OTEL_{signal.upper()}_EXPORTER"
    given = conf.environment(exporter)
    return f"{exporter}={given}" if given else f"{exporter} is not set to otlp: stdout alone has them"
