"""`manage.py observe`: `doctor` says what of the telemetry does not arrive, `find` where one ID is seen."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from django_observe.console.terminal import Painter, wants_colour
from django_observe.doctor import streams

SUBCOMMANDS = {
    "doctor": ("django_observe.doctor.run", "send a canary, and say of each hop whether it arrives"),
    "find": ("django_observe.doctor.find", "links to, and the timeline of, a correlation or trace ID"),
}
"""Modules with `add_arguments(parser)` and `run(arguments, out, painter)`, which answers the exit status."""


class Command(BaseCommand):
    """Parses, calls and exits; the work is in the modules above."""

    help = "Looks after the telemetry of this service."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it
    _called_from_command_line: bool
    """Django's own, which its stubs leave out: whether the process is this command's."""

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="command")
        for name, (module, told) in SUBCOMMANDS.items():
            import_module(module).add_arguments(subparsers.add_parser(name, help=told, description=told))

    def handle(self, **options: Any) -> None:
        """Ends the process with the subcommand's exit status."""
        plain = options["no_color"] or not (options["force_color"] or wants_colour("auto"))
        module, _ = SUBCOMMANDS[options["subcommand"]]
        arguments = argparse.Namespace(**options)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # backends say what no terminal has to know
        try:
            with streams.diverted():
                status = import_module(module).run(arguments, self.stdout, Painter(coloured=not plain))
                self.stdout.flush()
        except BrokenPipeError:
            if not self._called_from_command_line:
                raise
            status = streams.unread()
        if self._called_from_command_line:
            streams.divert()
        if status:
            sys.exit(status)
