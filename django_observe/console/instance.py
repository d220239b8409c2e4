"""The running console, as the views see it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest

from django_observe.console.access import Access
from django_observe.console.feed import Feed
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.store import Store
from django_observe.console.writer import Writer

ENVIRON_KEY: Final = "django_observe.console"
CONNECTION_KEY: Final = "django_observe.connection"
"""The socket, so that a stream can see that its reader has gone."""


@dataclass(frozen=True)
class Console:
    """What both listeners share."""

    store: Store
    writer: Writer
    intake: Intake
    retention: Retention
    bound: tuple[str, ...]
    page_port: int
    otlp_port: int
    in_memory: bool
    access: Access = field(default_factory=Access)
    feed: Feed = field(default_factory=Feed)
    started: float = field(default_factory=time.time)

    @property
    def page_url(self) -> str:
        """Where the pages are."""
        return f"http://{self._authority()}:{self.page_port}"

    @property
    def entry_url(self) -> str:
        """What to open first: with the token, if there is one."""
        return f"{self.page_url}/?token={self.access.token}" if self.access.token else self.page_url

    @property
    def otlp_url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT has to be."""
        return f"http://{self._authority()}:{self.otlp_port}"

    def _authority(self) -> str:
        """The first address; where all are bound, the loopback's."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bound[0], self.bound[0])  # noqa: S104 - not bound here
        return f"[{host}]" if ":" in host else host


def console_of(request: HttpRequest) -> Console:
    """The console that serves `request`."""
    console = request.META[ENVIRON_KEY]
    if not isinstance(console, Console):
        raise TypeError("the request did not come through a listener of the console")
    return console
