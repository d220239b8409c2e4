"""Where what this service sends can be looked at: as BACKENDS says, else what is found on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from django_observe import conf, trust
from django_observe.doctor.source import USUAL, Source, SourceError
from django_observe.doctor.timelimit import OutOfTimeError
from django_observe.options import Settings

_LOOKS: Final = {
    "console": ("/api/status", "stored"),
    "grafana": ("/api/health", "database"),
    "jaeger": ("/api/v3/services", "services"),
    "loki": ("/loki/api/v1/status/buildinfo", "version"),
    "prometheus": ("/api/v1/status/buildinfo", "data"),
}
"""A path that each answers with JSON, and a key of that answer."""

_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Backends:
    """The address of each backend's pages and API; None: not given, and not found here."""

    console: str | None = None
    jaeger: str | None = None
    loki: str | None = None
    prometheus: str | None = None
    grafana: str | None = None
    given: frozenset[str] = frozenset()
    """Those of BACKENDS, which have to answer; the others were found."""
    looked: bool = field(default=True, compare=False)
    """Whether this machine was asked for those that BACKENDS does not name."""

    def absent(self, title: str) -> str:
        """What is said of one that is neither named nor found."""
        if self.looked:
            return f"BACKENDS names no {title}, and none answers on this machine"
        return f"BACKENDS names no {title}, and telemetry goes elsewhere: this machine was not asked for one"


def from_settings(settings: Settings) -> Backends:
    """Those of BACKENDS; others if they answer on this machine, unless telemetry is known to go elsewhere."""
    given = dict(settings.backends)
    looked = _may_send_here()
    found = {name: url for name in _LOOKS.keys() - given if (url := _found(name))} if looked else {}
    return Backends(**{**given, **found}, given=frozenset(given), looked=looked)


def _may_send_here() -> bool:
    """Also where no endpoint is set: a shell often lacks what the service was started with."""
    endpoints = [endpoint for signal in ("traces", "logs") if (endpoint := conf.otlp_endpoint(signal))]
    hosts = [host for host in map(_host, endpoints) if host]
    if not hosts:
        return True
    addresses = [trust.parsed(host) for host in hosts]
    return "localhost" in hosts or any(address is not None and address.is_loopback for address in addresses)


def _host(endpoint: str) -> str:
    """Empty where it is no URL, as the hop of the endpoint says."""
    try:
        return urlsplit(endpoint).hostname or ""
    except ValueError:
        return ""


def _found(name: str) -> str | None:
    (path, key), url = _LOOKS[name], USUAL[name]
    try:
        answer = Source(name, url).json(path, seconds=_LOOK_SECONDS)
    except (SourceError, OutOfTimeError):
        return None
    return url if isinstance(answer, dict) and key in answer else None
