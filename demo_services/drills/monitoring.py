"""Prometheus, Alertmanager and the webhook as programs, and questions to Prometheus."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from demo_services.drills.addresses import Addresses
from demo_services.drills.configuration import Configuration
from demo_services.drills.durations import divided
from demo_services.ports import HOST
from demo_services.programs import Program

HERE = Path(__file__).resolve().parent
HTTP_SECONDS = 10
PROGRAMS = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
"""What a drill needs beside Python, with the Debian package of each."""


class MissingProgramError(Exception):
    """A program that the drills run is not installed; the text says how to install it."""


def require_programs() -> None:
    """Raise MissingProgramError, with all that is missing."""
    if missing := {package for program, package in PROGRAMS.items() if shutil.which(program) is None}:
        raise MissingProgramError(f"needed for drills: apt-get install {' '.join(sorted(missing))}")


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A Prometheus and an Alertmanager with an empty memory, on the configuration that was laid."""

    configuration: Configuration

    @property
    def addresses(self) -> Addresses:
        """Where they listen."""
        return self.configuration.addresses

    @property
    def data(self) -> Path:
        """What Prometheus has stored."""
        return self.configuration.folder / "data"

    def programs(self) -> list[Program]:
        """Both and the webhook, in the order in which they need one another."""
        return [self._webhook(), self._alertmanager(), self._prometheus()]

    def series(self, query: str) -> list[dict[str, Any]]:
        """The answer to a PromQL query: `metric` and `value` of each series; HTTPError when it is none."""
        url = f"{self.addresses.url('prometheus')}/api/v1/query"
        response = requests.get(url, params={"query": query}, timeout=HTTP_SECONDS)
        response.raise_for_status()
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result

    def firing(self) -> frozenset[tuple[str, str]]:
        """Alert name and service of what fires in Prometheus, whether or not anybody is told."""
        return frozenset(
            (series["metric"]["alertname"], series["metric"].get("service", ""))
            for series in self.series('ALERTS{alertstate="firing",severity!="none"}')
        )

    def _prometheus(self) -> Program:
        pace = self.configuration.pace
        argv = ["prometheus", f"--config.file={self.configuration.prometheus}"]
        argv += [f"--storage.tsdb.path={self.data}"]
        argv += [f"--web.listen-address={self.addresses.at('prometheus')}"]
        argv += ["--enable-feature=exemplar-storage", f"--query.lookback-delta={divided('5m', pace)}"]
        argv += [f"--rules.alert.resend-delay={divided('1m', pace)}"]
        return self._program("prometheus", argv, "/-/ready")

    def _alertmanager(self) -> Program:
        argv = ["prometheus-alertmanager", f"--config.file={self.configuration.alertmanager}"]
        argv += [f"--storage.path={self.configuration.folder / 'alertmanager-data'}"]
        argv += [f"--web.listen-address={self.addresses.at('alertmanager')}", "--cluster.listen-address="]
        return self._program("alertmanager", argv, "/-/ready")

    def _webhook(self) -> Program:
        call = f"from demo_services import alertsink; alertsink.serve({HOST!r}, {self.addresses.webhook})"
        return self._program("webhook", [sys.executable, "-c", call], "/alerts")

    def _program(self, name: str, argv: list[str], ready: str) -> Program:
        url = f"{self.addresses.url(name)}{ready}"
        return Program(name, argv, HERE.parents[1], os.environ, lambda _log: _ready(url))


def _ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False
