"""The `django-observe` command. Each subcommand is its own program; none needs a Django project around it."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django_observe.console.client import TOKEN_VARIABLE, AwayError, ConsoleError
from django_observe.console.terminal import printable

_CONSOLE_NEEDS: Final = ("opentelemetry.proto.trace.v1.trace_pb2", "google.rpc.status_pb2", "platformdirs")
_CLIENTS: Final = {
    "tail": ("django_observe.console.tail_command", "print log lines as they arrive at the console"),
    "trace": ("django_observe.console.trace_command", "draw a trace of the console in the terminal"),
    "import": ("django_observe.console.import_command", "send a file of OTLP/JSON to the console"),
}
_LAST_PORT: Final = 65_535
_LEAST_HOURS, _MOST_HOURS = 0.001, 100_000  # some seconds; some years, which nanoseconds can still count


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns the exit status: 0, 1 when it failed, 2 when it could not start."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except (AwayError, ConsoleError) as fault:
        _fail(str(fault))
        return 2 if isinstance(fault, AwayError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="django-observe", description="Tools around django_observe.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_console(commands.add_parser("console", help="receive and show traces and logs on this machine"))
    for name, (module, told) in _CLIENTS.items():
        importlib.import_module(module).add_arguments(commands.add_parser(name, help=told))
    return parser


def _add_console(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Receives OTLP/HTTP (traces and logs), keeps the last 24 hours in a file, shows them in the browser. "
        "For development on one machine: it listens on the loopback unless --host and --token say otherwise."
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on, another than the loopback's only with --token (default: %(default)s)",
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
    kept = "kept at most (default: %(default)s)"
    keep.add_argument("--max-spans", type=_count, default=200_000, metavar="N", help=f"spans {kept}")
    keep.add_argument("--max-logs", type=_count, default=200_000, metavar="N", help=f"log lines {kept}")
    keep.add_argument("--max-hours", type=_hours, default=24.0, metavar="H", help=f"hours {kept}")
    keep.add_argument("--max-megabytes", type=_count, default=256, metavar="MB", help=f"megabytes {kept}")
    _add_access(parser.add_argument_group("access"))
    parser.set_defaults(command=_console)


def _add_access(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--token",
        action="store_true",
        help=f"ask for a token: that of {TOKEN_VARIABLE}, else a random one, printed in the URL to open",
    )
    group.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also answer to this Host header (may be repeated)",
    )
    group.add_argument(
        "--cors-origin",
        type=_origin,
        metavar="ORIGIN",
        help="let pages of this origin, such as http://localhost:3000, send to the OTLP port",
    )


def _console(arguments: argparse.Namespace) -> int:
    try:
        for module in _CONSOLE_NEEDS:
            importlib.import_module(module)
    except ImportError as fault:
        return _fail(f"The console needs {fault.name}: pip install 'django-observe-kit[console]'")
    from django_observe.console import access, binding, limits, program

    retention = limits.Retention(
        arguments.max_spans,
        arguments.max_logs,
        arguments.max_hours * 3600,
        arguments.max_megabytes * 1024 * 1024,
    )
    token = (os.environ.get(TOKEN_VARIABLE) or access.new_token()) if arguments.token else ""
    hosts = frozenset(name.lower().removesuffix(".") for name in arguments.allowed_host)
    options = program.Options(
        arguments.host,
        arguments.port,
        arguments.otlp_port,
        arguments.db,
        arguments.memory,
        retention,
        access.Access(token, hosts, arguments.cors_origin or ""),
    )
    try:
        return program.run(options)
    except binding.StartError as fault:
        return _fail(str(fault))


def _fail(reason: str) -> int:
    sys.stderr.write(f"django-observe: {printable(reason, indent='  ')}\n")
    return 2


def _hours(text: str) -> float:
    hours = float(text)
    if not _LEAST_HOURS <= hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text} is not within {_LEAST_HOURS} and {_MOST_HOURS:,} hours")
    return hours


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; 0 to 65535, 0 picks a free one")
    return number


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", text):
        raise argparse.ArgumentTypeError(f"{text} is not an origin; scheme, host and port without a path")
    return text


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
