"""Where telemetry goes, or does not: the collector in every mode, a closed port, a name nobody knows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import cast, get_args

from typing_extensions import Self

from tests.collector import Collector, Mode

LISTENING: tuple[str, ...] = get_args(Mode)
"""Modes of a receiver that is there; they can be changed while it runs (`collector.mode = ...`)."""

MODES = (*(mode for mode in LISTENING if mode != "html"), "refuse", "dns")
"""Every way a receiver can fail, and the one in which it does not."""

UNKNOWN_HOST = ".".join(["collector" * 6] * 6) + ".invalid"
"""A name of more than 255 bytes: the C library says "Name or service not known" without asking a resolver,
as it does of an unknown one, in any process and on any machine."""


class Absent(Collector):
    """A receiver that is not there: `refuse` has a port on which nobody listens, `dns` an unknown name.

    Its mode cannot be changed, nothing ever arrives.
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self._server.server_close()
        self._port = socket.socket()

    def __enter__(self) -> Self:
        self._port.bind(("127.0.0.1", 0))  # held, so that nobody else begins to listen there
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._port.close()

    def __setattr__(self, name: str, value: object) -> None:
        if name == "mode" and hasattr(self, "_what"):
            raise AttributeError(f"{self._what} is not a receiver whose mode could be changed")
        super().__setattr__(name, value)

    @property
    def url(self) -> str:
        if self._what == "dns":
            return f"http://{UNKNOWN_HOST}:4318"
        return f"http://127.0.0.1:{self._port.getsockname()[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "NO_PROXY": "*"}


@contextmanager
def receiver(mode: str, *, delay: float = 0.2) -> Iterator[Collector]:
    """A receiver in that mode, one of MODES or html: `environment` is for the programs that export there."""
    if mode not in (*LISTENING, *MODES):
        raise ValueError(f"mode {mode!r}: one of {', '.join(MODES)}")
    made = Absent(mode) if mode in ("refuse", "dns") else Collector(cast("Mode", mode), delay=delay)
    with made:
        yield made
