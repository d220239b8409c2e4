"""Prometheus' durations (`1h30m`, `15s`), and the same at another pace."""

import re
from typing import Any

MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
PART = re.compile(r"(\d+)(ms|[smhdw])")
WHOLE = re.compile(rf"(?:{PART.pattern})+")


def faster(document: Any, pace: float) -> Any:
    """A copy of a YAML document in which every text that is a duration is divided by `pace`."""
    if isinstance(document, dict):
        return {key: faster(value, pace) for key, value in document.items()}
    if isinstance(document, list):
        return [faster(value, pace) for value in document]
    if isinstance(document, str) and WHOLE.fullmatch(document):
        return divided(document, pace)
    return document


def divided(duration: str, pace: float) -> str:
    """A duration divided by `pace`, in whole milliseconds and at least one."""
    milliseconds = sum(int(number) * MILLISECONDS[unit] for number, unit in PART.findall(duration))
    if milliseconds == 0:
        return duration
    return f"{max(1, round(milliseconds / pace))}ms"
