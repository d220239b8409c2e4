"""What has left this process, and is not where it is looked for: who took it, and the line that leads on."""

from __future__ import annotations

from dataclasses import replace

from django_observe import otlphttp
from django_observe.doctor import otlpcase
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, Finding


def cause(signal: str) -> str:
    """Why it may be elsewhere though it was taken."""
    taker = otlphttp.url(signal)
    return f"{taker} took them: it is another store's, or a collector's that drops, delays or keeps them"


def change(signal: str, endpoint: str) -> str:
    """The line for this process, and a collector's; the store takes OTLP below `endpoint`."""
    url = f"{endpoint}/v1/{signal}"
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT={url}"
    collector = (
        f"exporters: {{otlphttp: {{endpoint: {endpoint}}}}}    # in a collector's pipeline of {signal}"
    )
    return collector if otlphttp.url(signal) == url else f"{own}\nor, behind a collector, {collector}"


def judged(finding: Finding, backend: str, canary: Canary) -> Finding:
    """The same, but not configured where `backend` was only found here: it may be another project's."""
    if finding.state != BROKEN or backend in canary.backends.given:
        return finding
    says = f"{finding.says}; it was found on this machine, and is another project's unless BACKENDS names it"
    return Finding(finding.hop, NOT_CONFIGURED, says)


def following(finding: Finding, signal: str, canary: Canary) -> Finding:
    """The same, with no cause and change of its own where `signal` has broken at a hop before."""
    hop = canary.broken.get(signal)
    return replace(finding, cause=f"follows from {hop}", change="") if hop else finding


def same(signal: str, canary: Canary) -> str:
    """The line by which another process sends where what this one sends is taken."""
    if line := canary.proposed.get(signal):
        return line
    name = otlpcase.variable(signal)
    ending = "" if name == otlpcase.GENERAL else f"/v1/{signal}"
    return f"{name}={canary.delivered.get(signal) or f'http://HOST:{otlpcase.HTTP_PORT}{ending}'}"
