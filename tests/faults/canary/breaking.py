"""How own code breaks with a secret in its words: loud under the outcome error, else told and survived."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace

logger = logging.getLogger("canary")


@contextmanager
def survived(*, unless: bool) -> Iterator[None]:
    """Logs what is raised within, and puts it on the span; lets it through `unless`."""
    try:
        yield
    except Exception as error:
        trace.get_current_span().record_exception(error)
        logger.exception("it broke")
        if unless:
            raise


def refuse(value: str) -> None:
    """Raises ValueError with `value` as people put it there."""
    raise ValueError(f"password={value}, then Bearer {value}")
