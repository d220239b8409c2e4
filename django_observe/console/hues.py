"""One colour per service: the same name has the same of twelve hues on every page."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

HUES: Final = 12


def assign(services: Iterable[str]) -> dict[str, int]:
    """By hash of the name; a hue that an earlier service has moves on to the next free one."""
    assigned: dict[str, int] = {}
    for service in services:
        taken = set(assigned.values())
        first = zlib.crc32(service.encode()) % HUES
        free = (hue % HUES for hue in range(first, first + HUES) if hue % HUES not in taken)
        assigned[service] = next(free, first)
    return assigned
