"""An hour of quiet traffic before the drill, so that windows of an hour mean what they say.

Without a past, "errors within an hour" is "errors since Prometheus started", and comes much too soon. The
past is written by promtool (backfilling from OpenMetrics,
https://prometheus.io/docs/prometheus/latest/storage/) and leads up to the counters as they stand now.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from dashboards import scrape
from demo_services.drills.configuration import Configuration
from django_observe.metricset import (
    CLIENT_DURATION,
    HTTP_LATENCY_BEFORE,
    HTTP_REQUESTS_BEFORE,
    HTTP_RESPONSES_BY_STATUS,
)
from django_observe.vocabulary import Label

HOUR, STEP = 3600, 15
"""Seconds at pace 1: how long the past is, and from one sample to the next."""
QUICK_SECONDS = 0.1
HTTP_SECONDS = 10
SERIES = (
    HTTP_REQUESTS_BEFORE.total,
    HTTP_RESPONSES_BY_STATUS.total,
    HTTP_LATENCY_BEFORE.bucket,
    HTTP_LATENCY_BEFORE.count,
    CLIENT_DURATION.bucket,
    CLIENT_DURATION.count,
)
"""What objectives, the watch on traffic and that on dependencies are computed from."""


def write(configuration: Configuration, data: Path, since: float) -> None:
    """Fill an empty Prometheus' store; the services' counters began at `since` (Unix seconds)."""
    now = time.time()
    text = configuration.folder / "history.txt"
    with text.open("w") as lines:
        for labels, address in _targets(configuration):
            page = requests.get(f"http://{address}/metrics", timeout=HTTP_SECONDS).text
            for name, own, value, grown in samples(page):
                series, slope = _series(name, {**own, **labels}), grown / (now - since)
                for moment in _moments(now, configuration.pace):
                    lines.write(f"{series} {value - slope * (now - moment):.3f} {moment:.3f}\n")
        lines.write("# EOF\n")
    words = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 (our own arguments)
    text.unlink()


def _targets(configuration: Configuration) -> Iterator[tuple[dict[str, str], str]]:
    """The labels and the address of each web process."""
    path = configuration.prometheus.parent / "targets" / f"{scrape.DJANGO_JOB}.yml"
    for entry in yaml.safe_load(path.read_text()):
        for address in entry["targets"]:
            added = {scrape.JOB: scrape.DJANGO_JOB, scrape.INSTANCE: address}
            yield {**entry["labels"], **added}, address


def samples(page: str) -> Iterator[tuple[str, Mapping[str, str], float, float]]:
    """Name, labels and value of each counter, and by how much it grew if all has been well."""
    for family in text_string_to_metric_families(page):
        counted = {_who(sample): sample.value for sample in family.samples if sample.name.endswith("_count")}
        for sample in family.samples:
            if sample.name in SERIES:
                whole = counted.get(_who(sample), sample.value)
                yield sample.name, sample.labels, sample.value, whole if _healthy(sample.labels) else 0


def _who(sample: Sample) -> frozenset[tuple[str, str]]:
    return frozenset(pair for pair in sample.labels.items() if pair[0] != scrape.LE)


def _healthy(labels: Mapping[str, str]) -> bool:
    """Whether a series grew in quiet times: no errors, and every request quick."""
    quick = float(labels.get(scrape.LE, "inf")) >= QUICK_SECONDS
    statuses = (labels.get(label, "200") for label in (Label.STATUS, Label.HTTP_RESPONSE_STATUS_CODE))
    return quick and not any(status.startswith("5") or not status for status in statuses)


def _moments(now: float, pace: float) -> Iterator[float]:
    for age in range(HOUR, 0, -STEP):
        yield now - age / pace


def _series(name: str, labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
