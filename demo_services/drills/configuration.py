"""The stack's very files, laid into one folder: only addresses and the pace differ from what is shipped."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dashboards import rules, scrape
from demo_services.drills.addresses import Addresses
from demo_services.drills.durations import faster
from demo_services.ports import HOST, Ports

STACK = Path(__file__).resolve().parents[2] / "stack"
ENVIRONMENT = "demo"
"""What the native demo calls itself."""
NATIVE = {"auth": "auth", "orders": "orders", "notifications": "notifications", "worker": "worker_metrics"}
"""The port of the native demo for each host of the stack's targets."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Files for a Prometheus and an Alertmanager that watch the demo on these ports, all times paced."""

    folder: Path
    ports: Ports
    addresses: Addresses
    pace: float

    @property
    def prometheus(self) -> Path:
        """Prometheus' configuration file."""
        return self.folder / "prometheus" / "prometheus.yml"

    @property
    def alertmanager(self) -> Path:
        """Alertmanager's configuration file."""
        return self.folder / "alertmanager" / "alertmanager.yml"

    def lay(self) -> None:
        """Write every file, anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._write(self.prometheus, self._prometheus())
        self._write(self.prometheus.with_name("objectives.yml"), self._paced("prometheus/objectives.yml"))
        for path, text in rules.files(self.pace).items():
            if path.startswith("prometheus/"):
                target = self.prometheus.parent / "rules" / Path(path).name
                target.parent.mkdir(exist_ok=True)
                target.write_text(text)
        self.watch(canary=False)
        shutil.copytree(STACK / "alertmanager" / "templates", self.alertmanager.parent / "templates")
        self._write(self.alertmanager, self._alertmanager())

    def watch(self, *, canary: bool) -> None:
        """Write the targets: the shipped ones at their native ports, and the second orders if it runs."""
        for job in scrape.SERVICE_JOBS:
            entries = yaml.safe_load((STACK / f"prometheus/targets/{job}.yml").read_text())
            native = [self._native(entry, canary=canary) for entry in entries]
            self._write(self.prometheus.parent / "targets" / f"{job}.yml", native)

    def _native(self, entry: Any, *, canary: bool) -> Any:
        names = [NATIVE[target.partition(":")[0]] for target in entry["targets"]]
        if canary and "orders" in names:
            names.append("canary")
        labels = {**entry["labels"], "environment": ENVIRONMENT, "cluster": ENVIRONMENT}
        return {"labels": labels, "targets": [f"{HOST}:{getattr(self.ports, name)}" for name in names]}

    def _prometheus(self) -> Any:
        """Without the jobs of those parts of the stack that do not run here."""
        document = self._paced("prometheus/prometheus.yml")
        here = {scrape.PROMETHEUS_JOB: "prometheus", scrape.ALERTMANAGER_JOB: "alertmanager"}
        jobs = [
            job
            for job in document["scrape_configs"]
            if job["job_name"] in scrape.SERVICE_JOBS or job["job_name"] in here
        ]
        for job in jobs:
            if name := here.get(job["job_name"]):
                job["static_configs"] = [{"targets": [self.addresses.at(name)]}]
        alertmanagers = [{"static_configs": [{"targets": [self.addresses.at("alertmanager")]}]}]
        return {**document, "scrape_configs": jobs, "alerting": {"alertmanagers": alertmanagers}}

    def _alertmanager(self) -> Any:
        document = self._paced("alertmanager/alertmanager.yml")
        smarthost = f"{HOST}:{self.ports.smtp}"
        document["global"] = {**document.get("global", {}), "smtp_smarthost": smarthost}
        for receiver in document["receivers"]:
            for webhook in receiver.get("webhook_configs", []):
                webhook["url"] = f"{self.addresses.url('webhook')}/"
            for mail in receiver.get("email_configs", []):
                mail.pop("smarthost", None)
        return document

    def _paced(self, path: str) -> Any:
        return faster(yaml.safe_load((STACK / path).read_text()), self.pace)

    def _write(self, path: Path, document: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
