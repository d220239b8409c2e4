"""`manage.py plant <outcome> --password <canary>`: everything in a command's process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tests.faults.canary.actions import ACTIONS, act, tell_configuration
from tests.faults.canary.breaking import survived
from tests.faults.canary.values import witness


class Command(BaseCommand):
    """Does every action, and ends with the last one's exception under the outcome error."""

    help = "Handles secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        """An outcome and a secret."""
        parser.add_argument("outcome")
        parser.add_argument("--password")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises ConnectionError at its end under the outcome error."""
        outcome = options["outcome"]
        witness("command line", outcome, options["password"])
        for place in ACTIONS:
            with survived(unless=False):
                act(place, outcome)
        tell_configuration(outcome)
