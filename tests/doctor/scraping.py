"""A real Prometheus with a job for each service that a test names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_services.ports import free_port
from tests.processes import Process, get, require, wait_until

Jobs = Mapping[str, Mapping[str, Any]]


@contextmanager
def scraping(folder: Path, known: Jobs) -> Iterator[str]:
    """The URL of a Prometheus that has tried each target; its files are in `folder`."""
    port = free_port()
    (folder / "prometheus.yml").write_text(configuration(known))
    words = [
        *(require("prometheus", "prometheus"), f"--config.file={folder / 'prometheus.yml'}"),
        *(f"--storage.tsdb.path={folder}", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    with Process(words) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_for(lambda: get(f"{url}/-/ready").status == 200, "Prometheus to be ready")
        wait_until(lambda: tried(url) == len(known), "a first scrape of each target", timeout=60)
        yield url


def configuration(known: Jobs) -> str:
    """Prometheus' own file: JSON is YAML."""
    scrapes = [
        {
            "job_name": name,
            "metrics_path": job.get("metrics_path", "/metrics"),
            "scheme": job.get("scheme", "http"),
            "sample_limit": job.get("sample_limit", 0),
            "scrape_interval": job.get("every", "10s"),
            "scrape_timeout": job.get("every", "10s"),
            "static_configs": [{"targets": [job["targets"]], "labels": {"service": name}}],
            "metric_relabel_configs": [
                {"source_labels": ["__name__"], "regex": job.get("drop", "nothing"), "action": "drop"}
            ],
        }
        for name, job in known.items()
    ]
    return json.dumps({"scrape_configs": scrapes})


def targets(url: str) -> list[dict[str, Any]]:
    """What it scrapes."""
    found: list[dict[str, Any]] = get(f"{url}/api/v1/targets").json()["data"]["activeTargets"]
    return found


def tried(url: str) -> int:
    """How many targets it has scraped, or tried to."""
    return sum(target["health"] != "unknown" for target in targets(url))
