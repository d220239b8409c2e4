"""Servers besides those of the whole matrix: how each is started, and where it differs."""

from __future__ import annotations

import importlib.util
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.oneline.environments import Environment
from tests.processes import missing


@dataclass(frozen=True)
class Server:
    """A server's command line, as its documentation gives it, and what is its own way."""

    argv: tuple[str, ...]
    workers: int = 1
    reload: signal.Signals | str | None = None
    """What has it start its workers anew: a signal, or a file of the project that is touched."""
    status: int = 0
    """What it ends with after SIGTERM."""
    stream: str = "stdout"
    """Where the project's lines arrive."""
    notice: re.Pattern[str] = re.compile(r"$")
    """What the server prints by itself, past logging, or in a process that never loads the project."""
    logger: str | None = None
    """Under which its own lines are ours as JSON."""
    own_stream: str = "stdout"
    sees_clients_leave: bool = True

    def command(self, environment: Environment, port: int) -> list[str | Path]:
        program, *arguments = self.argv
        return [
            environment.program(program),
            *(word.format(port=port) for word in arguments),
        ]


_WSGI, _ASGI = "shop.wsgi:application", "shop.asgi:application"
_GRANIAN = re.compile(r"\[(INFO|WARNING)\] ")
_UWSGI = (
    *("uwsgi", "--http-socket", "127.0.0.1:{port}", "--module", "shop.wsgi", "--need-app"),
    *("--master", "--processes", "2", "--enable-threads", "--disable-logging"),
    *("--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
    *("--touch-workers-reload", "manage.py"),
)
_HYPERCORN = ("hypercorn", "--bind", "127.0.0.1:{port}")

SERVERS = {
    "uWSGI": Server(_UWSGI, workers=2, reload="manage.py", stream="stderr", notice=re.compile(r"(?!\{)")),
    "uWSGI lazy": Server(
        (*_UWSGI, "--lazy-apps"),
        workers=2,
        reload="manage.py",
        stream="stderr",
        notice=re.compile(r"(?!\{)"),
    ),
    "waitress": Server(
        ("waitress-serve", "--listen", "127.0.0.1:{port}", _WSGI), status=-signal.SIGTERM, logger="waitress"
    ),
    "granian": Server(
        ("granian", "--interface", "wsgi", "--workers", "2", "--port", "{port}", _WSGI),
        workers=2,
        reload=signal.SIGHUP,
        notice=_GRANIAN,
        logger="_granian.serve",
    ),
    "granian asgi": Server(("granian", "--interface", "asgi", "--port", "{port}", _ASGI), notice=_GRANIAN),
    "uvicorn": Server(
        ("uvicorn", _ASGI, "--port", "{port}", "--workers", "2"),
        workers=2,
        reload=signal.SIGHUP,
        logger="uvicorn.error",
        own_stream="stderr",
    ),
    "hypercorn": Server(
        (*_HYPERCORN, "--workers", "2", _ASGI), workers=2, reload=signal.SIGHUP, logger="hypercorn.error"
    ),
    "hypercorn wsgi": Server((*_HYPERCORN, "--workers", "0", _WSGI), sees_clients_leave=False),
    "daphne": Server(("daphne", "-p", "{port}", _ASGI), logger="daphne.server"),
}

PACKAGES = {"uWSGI": "pyuwsgi", "waitress": "waitress", "granian": "granian"}
PACKAGES |= {"uvicorn": "uvicorn", "hypercorn": "hypercorn", "daphne": "daphne"}


def needed(name: str) -> None:
    """Skips, or fails where all must be there, without that server."""
    package = PACKAGES[name.split(maxsplit=1)[0]]
    if importlib.util.find_spec(package) is None:
        missing(f"{package} is not installed (pip install {package})")
