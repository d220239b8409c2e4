"""`manage.py republish_events`: publish what the broker could not take when it happened."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections

from orders.outbox import publish_waiting

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Empty the outbox once, or keep doing so with --every."""

    help = "Publish the events that are still in the outbox."

    def add_arguments(self, parser: CommandParser) -> None:
        """--every SECONDS keeps the command running."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="repeat until stopped")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Publish, and again after each pause; repeating goes on without the database until it is back."""
        if not options["every"]:
            publish_waiting()
            return
        while True:
            close_old_connections()
            try:
                publish_waiting()
            except OperationalError as error:
                logger.warning("database unavailable, outbox not read", extra={"reason": str(error)})
            time.sleep(options["every"])
