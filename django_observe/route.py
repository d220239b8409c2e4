"""Where the records of one signal go, and what the receiver there says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: exported, worth another try, or refused for good."""

    verdict: Literal["exported", "retry", "refused"]
    rejected: int = 0
    """Records of an accepted request that the receiver did not keep (OTLP partial success)."""
    retry_after: float | None = None
    """Seconds the receiver asked to be left alone."""
    why: str = ""


class Receives(Protocol):
    """What a batch is sent to."""

    timeout: float

    def post(self, body: bytes, seconds: float) -> Outcome:
        """Sends one encoded batch within about `seconds`."""


@dataclass(frozen=True, slots=True)
class Route:
    """Of one signal: how its records are encoded, and what makes the connection to their receiver."""

    signal: str
    encode: Callable[[Sequence[Any]], bytes]
    receiver: Callable[[], Receives]
