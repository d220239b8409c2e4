"""Spans of requests that are traced only when they fail: held back until the outcome is known."""

from __future__ import annotations

from threading import Lock
from typing import Any

from opentelemetry.context import Context, create_key, get_current, set_value

MAX_SPANS = 64
"""Spans of one request that are held; further ones leave at once."""

_KEY = create_key("django_observe_held")


class Held:
    """What one quiet request holds back; it travels in the OpenTelemetry context of that request alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: list[Any] = []
        self._discarded = self._released = False

    def keep(self, span: Any) -> bool:
        """Takes an ended span, late ones of a discarded request too; False: it is to be exported now."""
        with self._lock:
            if self._released or len(self._spans) >= MAX_SPANS:
                return self._discarded
            self._spans.append(span)
            return True

    def discard(self) -> None:
        """The request went well: what is held will not be exported."""
        self._discarded = True

    def release(self) -> list[Any]:
        """Ends the holding back: the spans that are to be exported after all."""
        with self._lock:
            self._released = True
            spans, self._spans = self._spans, []
            return [] if self._discarded else spans


def hold(context: Context) -> tuple[Context, Held]:
    """`context` for a request whose spans are held back; `release` must follow."""
    held = Held()
    return set_value(_KEY, held, context), held


def held_in(context: Context | None) -> Held | None:
    """What `context` (default: the current one) belongs to, if its request is a quiet one."""
    held: Held | None = (get_current() if context is None else context).get(_KEY)  # type: ignore[assignment]
    return held
