"""The running console, as the views see it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest

from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.store import Store
from django_observe.console.writer import Writer

ENVIRON_KEY: Final = "django_observe.console"


@dataclass(frozen=True)
class Console:
    """What both listeners share."""

    store: Store
    writer: Writer
    intake: Intake
    retention: Retention
    host: str
    page_port: int
    otlp_port: int
    in_memory: bool
    started: float = field(default_factory=time.time)

    @property
    def page_url(self) -> str:
        """Where the pages are."""
        return f"http://{self._authority()}:{self.page_port}"

    @property
    def otlp_url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT has to be."""
        return f"http://{self._authority()}:{self.otlp_port}"

    def _authority(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def console_of(request: HttpRequest) -> Console:
    """The console that serves `request`."""
    console = request.META[ENVIRON_KEY]
    if not isinstance(console, Console):
        raise TypeError("the request did not come through a listener of the console")
    return console
