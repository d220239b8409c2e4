"""The console as a program: opens the store, binds both ports, serves until a signal, commits, ends."""

from __future__ import annotations

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

from django_observe.console import binding, limits
from django_observe.console.access import Access
from django_observe.console.binding import StartError
from django_observe.console.instance import ENVIRON_KEY, Console
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.schema import ForeignFileError
from django_observe.console.store import Store, default_path
from django_observe.console.writer import Writer

_SWITCH_SECONDS: Final = 0.0005  # Python's 0.005 has a page wait for the writer at every row that it reads


@dataclass(frozen=True)
class Options:
    """What the command line decides. `database=None` is the user's data folder unless `memory`."""

    host: str = "127.0.0.1"
    page_port: int = 8088
    otlp_port: int = 4318
    database: Path | None = None
    memory: bool = False
    retention: Retention = field(default_factory=Retention)
    access: Access = field(default_factory=Access)


def run(options: Options) -> int:
    """Serves until SIGTERM or SIGINT. Raises StartError."""
    signals = {signal.SIGTERM, signal.SIGINT}
    sys.setswitchinterval(_SWITCH_SECONDS)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # threads inherit it: only sigwait below gets them
    bound = binding.addresses(options.host, has_token=bool(options.access.token))
    pages = binding.listen(bound, options.page_port, "--port", limits.PAGE_CONNECTIONS)
    otlp = binding.listen(bound, options.otlp_port, "--otlp-port", limits.INGEST_CONNECTIONS)
    console = _open(options, bound, pages[0].port, otlp[0].port)
    application = _application(console)
    for listener in (*otlp, *pages):
        listener.console = console
        listener.start(application)
    _announce(console)
    signal.sigwait(signals)
    console.feed.close()
    for listener in (*otlp, *pages):
        listener.shutdown()
        listener.server_close()
    console.writer.close(timeout=1.5)
    console.store.close()
    return 0


def _open(options: Options, bound: tuple[str, ...], page_port: int, otlp_port: int) -> Console:
    path = None if options.memory else options.database or default_path()
    try:
        store = Store(path)
        store.begin_run(f"process {os.getpid()}")
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
        bound=bound,
        page_port=page_port,
        otlp_port=otlp_port,
        in_memory=options.memory,
        access=options.access,
    )


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
    if not all(ipaddress.ip_address(one).is_loopback for one in console.bound):
        sys.stderr.write(
            f"Warning: other machines reach this console on {', '.join(console.bound)}. Whoever has the "
            "token reads everything, and it travels unencrypted: only in a network that you trust.\n"
        )
    sys.stdout.write(f"Console: {console.entry_url}  receiving OTLP/HTTP on {console.otlp_url}\n")
    sys.stdout.flush()
