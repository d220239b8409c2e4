"""The `django-observe` command. Each subcommand is its own program; none needs a Django project around it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_CONSOLE_NEEDS: Final = ("opentelemetry.proto.trace.v1.trace_pb2", "google.rpc.status_pb2", "platformdirs")
_LAST_PORT: Final = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns the exit status: 0, or 2 when it could not start."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    command = arguments.command
    return int(command(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="django-observe", description="Tools around django_observe.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_console(commands.add_parser("console", help="receive and show traces and logs on this machine"))
    return parser


def _add_console(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Receives OTLP/HTTP (traces and logs), keeps the last 24 hours in a file, shows them in the browser. "
        "For development on one machine: it listens on the loopback only."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="loopback address to listen on (default: %(default)s)"
    )
    parser.add_argument("--port", type=_port, default=8088, help="port of the pages (default: %(default)s)")
    parser.add_argument(
        "--otlp-port", type=_port, default=4318, help="port for OTLP/HTTP (default: %(default)s)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--db", type=Path, metavar="PATH", help="database file (default: in the user's data folder)"
    )
    where.add_argument("--memory", action="store_true", help="keep nothing after the end")
    keep = parser.add_argument_group("retention (the oldest whole traces go first)")
    keep.add_argument("--max-spans", type=_count, default=200_000, metavar="N", help="(default: %(default)s)")
    keep.add_argument("--max-logs", type=_count, default=200_000, metavar="N", help="(default: %(default)s)")
    keep.add_argument("--max-hours", type=float, default=24.0, metavar="H", help="(default: %(default)s)")
    keep.add_argument(
        "--max-megabytes", type=_count, default=256, metavar="MB", help="(default: %(default)s)"
    )
    parser.set_defaults(command=_console)


def _console(arguments: argparse.Namespace) -> int:
    try:
        for module in _CONSOLE_NEEDS:
            importlib.import_module(module)
    except ImportError as fault:
        return _fail(f"The console needs {fault.name}: pip install 'django-observe-kit[console]'")
    from django_observe.console import limits, program

    retention = limits.Retention(
        arguments.max_spans,
        arguments.max_logs,
        arguments.max_hours * 3600,
        arguments.max_megabytes * 1024 * 1024,
    )
    options = program.Options(
        arguments.host, arguments.port, arguments.otlp_port, arguments.db, arguments.memory, retention
    )
    try:
        return program.run(options)
    except program.StartError as fault:
        return _fail(str(fault))


def _fail(reason: str) -> int:
    sys.stderr.write(f"django-observe: {reason}\n")
    return 2


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; 0 to 65535, 0 picks a free one")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
