"""A loop as cron would run it, `python -m tests.conformance.project.cron KEY`, and its single turn."""

from __future__ import annotations

import sys
import time
from contextvars import copy_context

import django
from opentelemetry import trace

TURNS = 3


def turn(key: str) -> None:
    """One turn, under an ID of its own."""
    from tests.conformance.project.carriers import correlated
    from tests.conformance.project.witness import left, witness

    before = copy_context()
    with correlated(), trace.get_tracer("conformance").start_as_current_span("turn"):
        witness(key, "turn")
    left(key, before)


def main(key: str) -> None:
    """The turns."""
    from tests.conformance.project import kit

    django.setup()
    kit.trace()
    for _ in range(TURNS):
        turn(key)
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
