"""What the headers of a request say of it, where they say what can be understood."""

from __future__ import annotations

from typing import Any, Final

from django_observe import correlation
from django_observe.propagation import meta_key

MAX_QUEUE_SECONDS: Final = 3_600.0
MAX_DIGITS: Final = 15
_MILLISECONDS_ABOVE, _MICROSECONDS_ABOVE = 1e11, 1e14
_accepted: tuple[str, ...] = ()
"""Headers that another kit beside us takes the ID from."""


def accept(header: str) -> None:
    """Takes the ID from `header` too, after those of the settings."""
    global _accepted
    if header and header not in _accepted:
        _accepted += (header,)


def given_id(meta: dict[str, Any], headers: tuple[str, ...]) -> str | None:
    """The first well-formed ID among the request's `headers`."""
    for header in headers + _accepted:
        given = meta.get(meta_key(header))
        if given is not None and (identifier := correlation.accepted(given)) is not None:
            return identifier
    return None


def queue_seconds(value: Any, now: float) -> float | None:
    """Seconds since a proxy took the request; it sent seconds (nginx), milli- or microseconds."""
    if not isinstance(value, str):
        return None
    try:
        started = float(value[:32].strip().removeprefix("t="))
    except ValueError:
        return None
    if started > _MICROSECONDS_ABOVE:
        started /= 1e6
    elif started > _MILLISECONDS_ABOVE:
        started /= 1e3
    waited = now - started
    return max(waited, 0.0) if waited <= MAX_QUEUE_SECONDS else None


def content_length(value: Any) -> int:
    """Bytes that a request says it has; 0 where it says nothing that is a number."""
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
        else 0
    )
