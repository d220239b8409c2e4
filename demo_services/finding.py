"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and how it came out."""

    check: str
    passed: bool
    seen: str
