"""Says what is bound at a place: one log line, whose fields the rows compare."""

from __future__ import annotations

import logging
from contextvars import Context, copy_context
from typing import Any

from opentelemetry.context import get_current
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
    """Logs what is still bound where a piece of work has just ended, and what it changed.

    `before`: a copy of all context variables as they were. Compared are OpenTelemetry's context and our own.
    """
    if key:
        witness(key, "left", changed=_changed(before, copy_context()), **more)


def _changed(before: Context, after: Context) -> list[str]:
    """By what each place would read: a variable that was given back its default has not changed."""
    own = [variable for variable in {*before, *after} if variable.name.startswith("django_observe")]
    variables = {each.name for each in own if before.run(each.get) is not after.run(each.get)}
    old, new = before.run(get_current), after.run(get_current)
    return sorted(variables | {key for key in {*old, *new} if old.get(key) is not new.get(key)})
