"""Says what is bound at a place: one log line, whose fields the rows compare."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.trace import get_current_span

from tests.conformance.project.kit import correlation_id

logger = logging.getLogger("conformance")


def witness(key: str, place: str, **more: Any) -> None:
    """Logs the ID as it can be read here, and the span that is current."""
    span = get_current_span().get_span_context()
    extra = {
        "key": key,
        "place": place,
        "seen": correlation_id(),
        "seen_trace_id": f"{span.trace_id:032x}",
        "seen_span_id": f"{span.span_id:016x}",
    }
    logger.info("witness", extra={**extra, **more})


def left(key: str | None, before: Context, **more: Any) -> None:
    """Logs what is still bound where a piece of work has just ended, and what it changed in the context."""
    if key:
        after = get_current()
        changed = sorted(name for name in {*before, *after} if before.get(name) is not after.get(name))
        witness(key, "left", changed=changed, **more)
