"""The project's programs under test: two web servers, two workers, a command; and what each is to plant."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo_services.ports import free_port
from tests.faults.canary.values import ANY, OUTCOMES, Plant, canary
from tests.processes import Process

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "tests.faults.canary"

_GUNICORN = (
    *("-m", "gunicorn", f"{PROJECT}.wsgi:application", "-c", "python:django_observe.gunicorn"),
    *("--worker-class", "gthread", "--threads", "4", "--bind", "127.0.0.1:{port}"),
    *("--access-logfile", "-", "--log-level", "debug"),
)
_UVICORN = ("-m", "uvicorn", f"{PROJECT}.asgi:application", "--port", "{port}", "--log-level", "debug")
_CELERY = ("-m", "celery", "-A", f"{PROJECT}.celery", "worker", "-l", "DEBUG", "-Q", "{queue}")
PROGRAMS: dict[str, tuple[str, ...]] = {
    "gthread": _GUNICORN,
    "uvicorn": _UVICORN,
    "prefork": (*_CELERY, "-P", "prefork", "-c", "1", "-n", "prefork@here"),
    "threads": (*_CELERY, "-P", "threads", "-c", "1", "-n", "threads@here"),
}
WEB = ("gthread", "uvicorn")
WORKERS = {"prefork": "gthread", "threads": "uvicorn"}
"""Which web server's tasks each runs."""

OWN_LOGGING = ("uvicorn", "threads")
"""Programs under a LOGGING of the project's own, with our formatter; the others have what we install."""


@dataclass(frozen=True)
class Run:
    """What the programs of one run have in common."""

    seed: str
    folder: Path
    variables: Mapping[str, str]

    @property
    def book(self) -> Path:
        """Where what has run is noted."""
        return self.folder / "witnessed"

    def environment(self, program: str, **more: str) -> dict[str, str | None]:
        """The variables of a program; one of them is a canary."""
        return {
            **self.variables,
            "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
            "CANARY_SEED": self.seed,
            "CANARY_PROGRAM": program,
            "CANARY_WITNESS": str(self.book),
            "CANARY_DATABASE": str(self.folder / "canary.sqlite3"),
            "CANARY_LOGGING": "own" if program in OWN_LOGGING else "",
            "TASK_QUEUE": WORKERS.get(program, program),
            "PAYMENT_API_KEY": canary(Plant("environment", program, ANY), self.seed),
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_SERVICE_NAME": program,
            "OTEL_RESOURCE_ATTRIBUTES": None,
            "PYTHONWARNINGS": "ignore",
            "C_FORCE_ROOT": "1",
            "NO_PROXY": "*",
            **more,
        }

    @contextmanager
    def started(self, program: str, kind: str = "", **more: str) -> Iterator[tuple[Process, str]]:
        """Starts a program (as `kind` of PROGRAMS does); it may not listen yet at its URL."""
        port = free_port()
        variables = self.environment(program, OBSERVE_WORKER_METRICS_PORT=str(port), **more)
        words = [word.format(port=port, queue=variables["TASK_QUEUE"]) for word in PROGRAMS[kind or program]]
        with Process([sys.executable, *words], cwd=ROOT, env=variables) as process:
            yield process, f"http://127.0.0.1:{port}"

    def command(self, *words: str) -> Process:
        """A management command of the program `command`, to be entered."""
        argv = [sys.executable, "-m", f"{PROJECT}.manage", *words]
        return Process(argv, cwd=ROOT, env=self.environment("command"))


def both(program: str, *places: str) -> set[Plant]:
    """Those places under both outcomes."""
    return {Plant(place, program, outcome) for place in places for outcome in OUTCOMES}


def once(program: str, *places: str) -> set[Plant]:
    """Those places, planted when the program starts."""
    return {Plant(place, program, ANY) for place in places}
