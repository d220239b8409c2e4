"""The part of a story that is looked at: `zoom=<from>-<to>`, in microseconds since its start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django_observe.console.formatting import duration
from django_observe.console.intervals import Interval

_TYPED: Final = re.compile(r"(\d{1,15})-(\d{1,15})")


@dataclass(frozen=True)
class Zoom:
    """Microseconds since the story's start."""

    start: int
    end: int

    @property
    def text(self) -> str:
        """For the chip that takes it off."""
        return f"+{duration(self.start * 1000)} to +{duration(self.end * 1000)}"

    def window(self, zero_ns: int) -> Interval:
        """In Unix nanoseconds."""
        return zero_ns + self.start * 1000, zero_ns + self.end * 1000


def zoom(text: str) -> Zoom | None:
    """Raises ValueError that says what is accepted."""
    if not text:
        return None
    matched = _TYPED.fullmatch(text)
    if not matched or int(matched[1]) >= int(matched[2]):
        raise ValueError(f"zoom={text[:40]}: two numbers of microseconds are accepted, such as 1500-90000")
    return Zoom(int(matched[1]), int(matched[2]))
