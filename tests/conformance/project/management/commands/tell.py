"""A management command that says what it runs under, before and within a span of its own."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from opentelemetry import trace

from tests.conformance.project.witness import witness


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--forever", action="store_true")

    def handle(self, *_: Any, key: str, forever: bool, **options: Any) -> None:
        witness(key, "command")
        with trace.get_tracer("conformance").start_as_current_span("step"):
            witness(key, "step")
        if forever:
            witness(key, "waiting")
        while forever:
            time.sleep(0.05)
