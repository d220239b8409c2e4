"""The console as a program: opens the store, binds both ports, serves until a signal, commits, ends."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django_observe.console import limits
from django_observe.console.instance import ENVIRON_KEY, Console
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.listener import Listener
from django_observe.console.port_holder import describe_holder
from django_observe.console.store import ForeignFileError, Store, default_path
from django_observe.console.writer import Writer

_HIGH_PORT: Final = 50_000


class StartError(Exception):
    """The console cannot start; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line decides. `database=None` is the user's data folder unless `memory`."""

    host: str = "127.0.0.1"
    page_port: int = 8088
    otlp_port: int = 4318
    database: Path | None = None
    memory: bool = False
    retention: Retention = field(default_factory=Retention)


def run(options: Options) -> int:
    """Serves until SIGTERM or SIGINT. Raises StartError."""
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # threads inherit it: only sigwait below gets them
    host = _loopback(options.host)
    pages = _listen(host, options.page_port, "--port", limits.PAGE_CONNECTIONS)
    otlp = _listen(host, options.otlp_port, "--otlp-port", limits.INGEST_CONNECTIONS)
    console = _open(options, host, pages, otlp)
    application = _application(console)
    for listener in (otlp, pages):
        listener.console = console
        listener.start(application)
    _announce(console)
    signal.sigwait(signals)
    for listener in (otlp, pages):
        listener.shutdown()
        listener.server_close()
    console.writer.close(timeout=1.5)
    console.store.close()
    return 0


def _open(options: Options, host: str, pages: Listener, otlp: Listener) -> Console:
    path = None if options.memory else options.database or default_path()
    try:
        store = Store(path)
    except (OSError, sqlite3.Error, ForeignFileError) as fault:
        raise StartError(
            f"{path} cannot be opened ({fault}). Choose another file with --db, or --memory."
        ) from fault
    intake = Intake()
    return Console(
        store=store,
        writer=Writer(store, intake, options.retention),
        intake=intake,
        retention=options.retention,
        host=host,
        page_port=pages.port,
        otlp_port=otlp.port,
        in_memory=options.memory,
    )


def _loopback(host: str) -> str:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise StartError(
            f"--host {host}: an IP address of the loopback is accepted, such as 127.0.0.1."
        ) from None
    if not address.is_loopback:
        raise StartError(
            f"--host {host}: the console listens on the loopback only, because whoever reaches it reads "
            "everything. Use 127.0.0.1; from another machine, forward the port by ssh -L."
        )
    return str(address)


def _listen(host: str, port: int, option: str, connections: int) -> Listener:
    try:
        return Listener(host, port, connections)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} on {host} is taken{describe_holder(port)}. "
                f"Stop that program, or choose another port with {option} {_another(port)}."
            ) from fault
        raise StartError(
            f"Port {port} on {host} cannot be bound: {fault.strerror}. Choose another by {option}."
        ) from fault


def _another(port: int) -> int:
    return port + 10_000 if port < _HIGH_PORT else port - 10_000


def _application(console: Console) -> Callable[..., Any]:
    """Django's WSGI handler under the console's own settings; the console is in every request's environ."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_observe.console.settings"
    os.environ["OTEL_SDK_DISABLED"] = "true"  # never observes itself: that would be a loop
    import django
    from django.core.handlers.wsgi import WSGIHandler

    django.setup(set_prefix=False)
    # Refusals are answers, not news; only a fault of the console itself belongs on stderr.
    logging.getLogger("django.request").addFilter(lambda record: record.exc_info is not None)
    handler = WSGIHandler()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ[ENVIRON_KEY] = console
        return handler(environ, start_response)

    return application


def _announce(console: Console) -> None:
    if console.store.notice:
        sys.stderr.write(f"{console.store.notice}\n")
    sys.stdout.write(f"Console: {console.page_url}  receiving OTLP/HTTP on {console.otlp_url}\n")
    sys.stdout.flush()
