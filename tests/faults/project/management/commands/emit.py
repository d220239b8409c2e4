"""A command that tells much, and then either ends or waits to be told to."""

from __future__ import annotations

import signal
import sys
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tests.faults.project.burst import burst


class Command(BaseCommand):
    """`emit --spans 1000 --logs 1000 --wait`: prints `emitted` when all is queued.

    With `--own-handler` SIGTERM ends it with status 7.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """The numbers, and whether to go on until a signal comes."""
        for name in ("spans", "logs", "size"):
            parser.add_argument(f"--{name}", type=int, default=0)
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--own-handler", action="store_true")

    def handle(self, *_: Any, spans: int, logs: int, size: int, wait: bool, **options: Any) -> None:
        """Tells, says that it has, waits."""
        if options["own_handler"]:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        burst(spans, logs, size)
        self.stdout.write("emitted")
        self.stdout.flush()
        if wait:
            while not Event().wait(0.1):  # of a signal that comes as it begins Python hears at its end
                pass
