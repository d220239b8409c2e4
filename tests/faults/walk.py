"""A receiver that goes through every mode while programs export to it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import cast

from typing_extensions import Self

from tests.collector import Collector, Mode
from tests.faults.project.resolver import NAME
from tests.faults.receivers import MODES

CYCLE = tuple(step for mode in MODES if mode != "ok" for step in (mode, "ok"))
"""Between any two failures the receiver is well."""


class Walk:
    """On one port all the time; `refuse` closes it, `dns` has nobody know its name (project/resolver.py)."""

    def __init__(self, folder: Path) -> None:
        self.mode = ""
        self._names = folder / "no-names"
        self._port = 0
        self._now = ExitStack()
        self._collector: Collector | None = None

    def __enter__(self) -> Self:
        self.enter("ok")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._now.close()

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the programs that export here; a request may take two seconds, as there is no time."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{NAME}:{self._port}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
            "OTEL_LOGS_EXPORTER": "otlp",
            "FAULTS_NO_NAMES": str(self._names),
            "NO_PROXY": "*",
        }

    def enter(self, mode: str) -> None:
        """Changes to that mode; what was taken is forgotten."""
        self._names.unlink(missing_ok=True)
        if mode == "refuse":
            self._close()
        else:
            collector = self._opened()
            collector.requests.clear()
            collector.mode = cast("Mode", "ok" if mode == "dns" else mode)
        if mode == "dns":
            self._names.touch()
            self._opened().cut()
        self.mode = mode

    def _opened(self) -> Collector:
        if self._collector is None:
            self._now.close()
            self._collector = self._now.enter_context(Collector(port=self._port))
            self._port = int(self._collector.url.rpartition(":")[2])
        return self._collector

    def _close(self) -> None:
        self._opened().cut()
        self._now.close()
        self._collector = None
        held = self._now.enter_context(socket.socket())
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", self._port))  # so that nobody else begins to listen there
