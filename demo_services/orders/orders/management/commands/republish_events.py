"""`manage.py republish_events`: publish what the broker could not take when it happened."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orders.outbox import publish_waiting


class Command(BaseCommand):
    """Empty the outbox once, or keep doing so with --every."""

    help = "Publish the events that are still in the outbox."

    def add_arguments(self, parser: CommandParser) -> None:
        """--every SECONDS keeps the command running."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="repeat until stopped")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Publish, and again after each pause."""
        publish_waiting()
        while options["every"]:
            time.sleep(options["every"])
            publish_waiting()
