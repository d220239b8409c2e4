"""`django-observe tail`: log lines as they arrive."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime
from typing import Any, Final

from django_observe.console import client, hues, terminal
from django_observe.console.terminal import Painter, printable

_WAIT_SECONDS: Final = 20
_PAUSE_SECONDS: Final = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which lines, and how."""
    parser.description = "Prints the log lines that a running console receives, until interrupted."
    parser.add_argument("--service", metavar="NAME", help="only of this service")
    parser.add_argument("--level", metavar="LEVEL", help="only of this level and above, such as warning")
    parser.add_argument("--correlation-id", metavar="ID", help="only of this ID")
    parser.add_argument(
        "-n", "--lines", type=int, default=10, metavar="N", help="lines to begin with (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="an object per line instead of text")
    client.add_arguments(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Follows until interrupted; a console that ends is waited for. Raises ConsoleError, AwayError."""
    asked = client.of(arguments)
    printer = _Printer(Painter(coloured=terminal.wants_colour(arguments.colour)), as_json=arguments.json)
    wanted = {name: getattr(arguments, name) for name in ("service", "level", "correlation_id")}
    answer = asked.json("/api/tail", {**wanted, "lines": max(arguments.lines, 0)})
    try:
        printer.show(answer["logs"])
        while True:
            answer = _next(asked, wanted, answer["cursor"])
            printer.show(answer["logs"])
    except (KeyboardInterrupt, BrokenPipeError):
        return 0


def _next(asked: client.Client, wanted: dict[str, Any], cursor: int) -> Any:
    told = False
    while True:
        began = time.monotonic()
        try:
            answer = asked.json("/api/tail", {**wanted, "after": cursor, "wait": _WAIT_SECONDS})
        except client.AwayError:
            if not told:
                sys.stderr.write("django-observe: the console has gone; waiting for it\n")
            told = True
            time.sleep(_PAUSE_SECONDS)
            continue
        if not answer["logs"] and time.monotonic() - began < _PAUSE_SECONDS:  # no place to wait at was free
            time.sleep(_PAUSE_SECONDS)
        return answer


class _Printer:
    """Lines of one look; a service keeps its colour."""

    def __init__(self, paint: Painter, *, as_json: bool) -> None:
        self._paint = paint
        self._as_json = as_json
        self._services: dict[str, None] = {}

    def show(self, lines: list[dict[str, Any]]) -> None:
        """Prints and flushes, so that a pipe gets them at once."""
        for line in lines:
            text = json.dumps(line, ensure_ascii=True) if self._as_json else self._text(line)
            sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _text(self, line: dict[str, Any]) -> str:
        service = printable(line["service"])
        self._services.setdefault(service)
        hue = hues.assign(self._services)[service]
        attributes = line["attributes"]
        error = attributes.get("stack") or attributes.get("exception.stacktrace")
        parts = [
            self._paint.dim(_clock(line["timestamp"])),
            self._paint.level(f"{line['level']:<8}", line["level"]),
            self._paint.service(f"{service:<14}", hue),
            printable(line["message"], indent="    "),
            self._paint.dim(printable(line["correlation_id"] or "")),
        ]
        text = "  ".join(part for part in parts if part)
        return f"{text}\n    {printable(str(error).rstrip(), indent='    ')}" if error else text


def _clock(timestamp: str) -> str:
    """The local time of day of the API's UTC timestamp."""
    moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00")).astimezone()
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
