"""`django-observe trace`: one trace in the terminal, or as OTLP/JSON to take along."""

from __future__ import annotations

import argparse
import shutil
import sys
from urllib.parse import quote

from django_observe.console import client, terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which trace, and how."""
    parser.description = "Draws the waterfall of one trace that a running console has stored."
    parser.add_argument(
        "trace_id", metavar="TRACE_ID", help="32 hexadecimal digits, or the first eight or more of them"
    )
    parser.add_argument(
        "--json", action="store_true", help="print it as OTLP/JSON, for `django-observe import`"
    )
    parser.add_argument(
        "--width",
        type=int,
        default=0,
        metavar="N",
        help="characters in a line (default: those of the terminal)",
    )
    client.add_arguments(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it. Raises ConsoleError, AwayError."""
    asked, path = client.of(arguments), f"/trace/{quote(arguments.trace_id.strip(), safe='')}"
    if arguments.json:
        sys.stdout.write(asked.get(f"{path}.json").decode() + "\n")
        return 0
    columns = arguments.width or shutil.get_terminal_size((120, 24)).columns
    coloured = "1" if terminal.wants_colour(arguments.colour) else ""
    text = asked.get(f"{path}.txt", {"width": columns, "colour": coloured}).decode()
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    return 0
