"""One endpoint that met no collector: what was seen there, and what may be tried near it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from django_observe import conf
from django_observe.doctor.otlplook import Look

HTTP_PORT: Final = 4318
TRIED_PORT = HTTP_PORT
"""Of the same host, where a collector may be."""

GENERAL: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Cause(NamedTuple):
    """What was seen, why, and the line to write."""

    says: str
    cause: str
    change: str


@dataclass(frozen=True)
class Case:
    """What a look at `parts` saw; `attempt` looks at another URL with the same message."""

    signal: str
    seen: Look
    parts: SplitResult
    attempt: Callable[[str], Look]

    @property
    def host(self) -> str:
        """Host and port, without what is secret before them."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def hostname(self) -> str:
        """The host as it stands before a port."""
        name = self.parts.hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def variable(self) -> str:
        """The variable that the endpoint is from."""
        return variable(self.signal)

    @property
    def unknown(self) -> str:
        """The line to write where no address near this one is a collector's."""
        return f"{self.variable}=http://HOST:{HTTP_PORT}    # of the collector"

    @cached_property
    def elsewhere(self) -> str:
        """The line for an address near this one that answers as a collector; empty if none does."""
        for url in dict.fromkeys(self._near()):
            if url != self.seen.url and self.attempt(url).is_collector:
                return self.line(url)
        return ""

    def line(self, url: str) -> str:
        """The line that sends to `url`: the general variable gets the signal's path added."""
        ending = f"/v1/{self.signal}"
        return f"{self.variable}={url.removesuffix(ending) if self.variable == GENERAL else url}"

    def by(self, scheme: str) -> str:
        """The same URL by another scheme."""
        return self.parts._replace(scheme=scheme).geturl()

    def _near(self) -> Iterator[str]:
        """Where a receiver of this host would be: by the specification, and as Loki and Grafana have it."""
        before, ending = self.parts.path.partition("/v1/")[0].rstrip("/"), f"/v1/{self.signal}"
        for path in (f"{before}{ending}", ending, f"/otlp{ending}") if self.seen.error is None else ():
            yield self.parts._replace(path=path, query="").geturl()
        yield f"http://{self.hostname}:{TRIED_PORT}{ending}"


def variable(signal: str) -> str:
    """The variable that the endpoint of `signal` is from."""
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    return own if conf.environment(own) else GENERAL


def parts_of(url: str) -> SplitResult | None:
    """The parts of an http:// or https:// URL with a host; None of what is none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None
