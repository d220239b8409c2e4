"""Which programs make up the demo, with what environment, and when each is ready."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from demo_services.ports import HOST, Ports
from demo_services.programs import Program

HERE = Path(__file__).resolve().parent
SERVICES = ("auth", "orders", "notifications")
REPUBLISH_SECONDS = 5
VERSION = "1.0.0"
BAD_VERSION = "1.1.0-bad"
BAD_VERSION_FAULTS = "errors=0.5"


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo on certain ports, with its state in a certain folder."""

    ports: Ports
    state: Path

    def first(self) -> list[Program]:
        """What the services need, and their migrations."""
        return [self.console(), self.mail(), self.payment(), *[self.migration(name) for name in SERVICES]]

    def then(self) -> list[Program]:
        """The services themselves."""
        return [*[self.service(name) for name in SERVICES], self.worker()]

    def console(self) -> Program:
        """The local console, which receives all telemetry."""
        ports = self.ports
        argv = _python("-m", "django_observe.cli", "console", "--port", str(ports.console))
        argv += ["--otlp-port", str(ports.otlp), "--db", str(self.state / "console.sqlite3")]
        address = f"{ports.url('console')}/api/v3/services"
        return Program(
            "console",
            argv,
            HERE.parent,
            self._environment(),
            lambda _log: _answers(address),
            needed_to_the_end=True,  # the others send it their last spans as they go
        )

    def mail(self) -> Program:
        """The mail server."""
        call = f"from demo_services import mailserver; mailserver.serve({self.ports.smtp}, {self.ports.mail})"
        return self._stand_in("mail", call, f"{self.ports.url('mail')}/")

    def payment(self) -> Program:
        """The outside payment API."""
        call = f"from demo_services import payment; payment.serve({self.ports.payment})"
        return self._stand_in("payment", call, f"{self.ports.url('payment')}/control")

    def migration(self, name: str) -> Program:
        """A service's `migrate`, which runs once."""
        return Program(
            f"{name}-migrate",
            _python("manage.py", "migrate", "--no-input", "--verbosity", "1"),
            HERE / name,
            self._service_environment(name),
        )

    def service(self, name: str) -> Program:
        """A service's web server."""
        return self._web(name, name, getattr(self.ports, name), self._observed(name))

    def canary(self) -> Program:
        """A second orders, of a newer version that answers every other request with an error."""
        environment = {
            **self._observed("orders", BAD_VERSION),
            "DEMO_INSTANCE": "orders-canary",
            "DEMO_FAULTS": BAD_VERSION_FAULTS,
            "DEMO_CANARY": "0",
        }
        return self._web("orders-canary", "orders", self.ports.canary, environment)

    def _web(self, program: str, name: str, port: int, environment: dict[str, str]) -> Program:
        argv = _python("-m", "gunicorn", "-c", "python:django_observe.gunicorn", "--threads", "4")
        argv += [
            "--no-control-socket",
            "--bind",
            f"{HOST}:{port}",
            f"{name}_service.wsgi:application",
        ]
        address = f"http://{HOST}:{port}/readyz"
        return Program(program, argv, HERE / name, environment, lambda _log: _answers(address))

    def worker(self) -> Program:
        """The Celery worker of notifications."""
        # Threads: on the queue in files, a pool of processes needs more than five seconds to end.
        argv = _python("-m", "celery", "-A", "notifications_service", "worker", "--pool", "threads")
        argv += ["--concurrency", "2"]
        argv += ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return Program(
            "worker",
            argv,
            HERE / "notifications",
            {
                **self._observed("notifications"),
                "OBSERVE_WORKER_METRICS_PORT": str(self.ports.worker_metrics),
            },
            lambda log: "ready." in log,
            started_again=True,  # kombu's Redis transport can end it when it loses the connection
        )

    def republisher(self) -> Program:
        """The command that keeps emptying the outbox of orders."""
        argv = _python("manage.py", "republish_events", "--every", str(REPUBLISH_SECONDS))
        # It looks every few seconds; each look would be a trace of one SELECT.
        environment = {**self._observed("orders"), "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlite3,psycopg"}
        return Program("republisher", argv, HERE / "orders", environment, lambda _log: True)

    def traffic(self, users: int = 2, think_seconds: str = "1-3", canary_share: float = 0.5) -> Program:
        """Customers who keep ordering; the canary gets its share of what they ask, while it runs."""
        argv = _python("-m", "locust", "--locustfile", str(HERE / "loadtest.py"), "--headless")
        argv += ["--users", str(users), "--spawn-rate", str(users)]
        argv += ["--host", self.ports.url("orders"), "--loglevel", "WARNING", "--only-summary"]
        environment = {
            **self._environment(),
            "AUTH_URL": self.ports.url("auth"),
            "NOTIFICATIONS_URL": self.ports.url("notifications"),
            "CANARY_URL": self.ports.url("canary"),
            "CANARY_SHARE": str(canary_share),
            "THINK_SECONDS": think_seconds,
        }
        return Program("traffic", argv, HERE.parent, environment, lambda _log: True)

    def _stand_in(self, name: str, call: str, address: str) -> Program:
        environment = self._environment()
        return Program(name, _python("-c", call), HERE.parent, environment, lambda _log: _answers(address))

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        for name in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DEMO_FAULTS", "DEMO_INSTANCE"):
            inherited.pop(name, None)
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(HERE.parent)]))
        return {**inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "DEMO_STATE": str(self.state)}

    def _service_environment(self, name: str) -> dict[str, str]:
        ports = self.ports
        environment = {
            **self._environment(),
            "DJANGO_SETTINGS_MODULE": f"{name}_service.settings",
            "AUTH_URL": ports.url("auth"),
            "PAYMENT_URL": ports.url("payment"),
            "EMAIL_PORT": str(ports.smtp),
        }
        if database := os.environ.get("DATABASE_URL"):
            environment["DATABASE_URL"] = database.replace("{service}", name)
        return environment

    def _observed(self, name: str, version: str = VERSION) -> dict[str, str]:
        given = os.environ.get("DEMO_FAULTS", "")
        return {
            **self._service_environment(name),
            "CONSOLE_URL": self.ports.url("console"),
            "DEMO_FAULTS": os.environ.get(f"DEMO_FAULTS_{name.upper()}", given),
            "DEMO_FAULTS_ALLOWED": "1",
            "DEMO_CANARY": "1" if name == "orders" else "0",
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version},deployment.environment.name=demo",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.ports.url("otlp"),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_PYTHON_DISTRO": "distro",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            "OTEL_BLRP_SCHEDULE_DELAY": "500",
        }


def _python(*words: str) -> list[str]:
    return [sys.executable, *words]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False
