"""OTLP severity numbers (1 to 24) and the level names that people filter by."""

from __future__ import annotations

from typing import Final

LEVELS: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
_ALIASES: Final = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "TRACE"}


def level_name(severity: int) -> str:
    """Python's name for an OTLP severity number; 0 is unspecified and counts as INFO."""
    reached = [name for name, number in LEVELS.items() if number <= severity]
    return reached[-1] if reached else "INFO"


def minimum(level: str) -> int:
    """The lowest severity number of a level name. Raises ValueError."""
    name = level.upper()
    try:
        return LEVELS[_ALIASES.get(name, name)]
    except KeyError:
        raise ValueError(f"level={level}: one of {', '.join(LEVELS)} is accepted") from None
