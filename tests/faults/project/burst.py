"""Much to tell at once."""

from __future__ import annotations

import logging

from opentelemetry import trace

logger = logging.getLogger("faults")
tracer = trace.get_tracer("faults")


def burst(spans: int = 0, logs: int = 0, size: int = 0) -> None:
    """So many spans and log records; each has a text of `size` characters with it where that is given."""
    text = "x" * size
    for number in range(spans):
        with tracer.start_as_current_span(f"span {number}") as span:
            if size:
                span.set_attribute("text", text)
    for number in range(logs):
        logger.info("record %d %s", number, text)
