"""Prometheus: does it scrape this service, keep our families, and have Jaeger's span metrics?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django_observe import conf, metricset
from django_observe.doctor import arrival, onward, scrapefault
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.jaeger import TraceStore
from django_observe.doctor.source import Source, SourceError
from django_observe.vocabulary import Label

HOP: Final = "Prometheus"
SPAN_METRICS_HOP: Final = "span metrics"
SPAN_CALLS: Final = "traces_span_metrics_calls_total"
FAMILY: Final = metricset.HTTP_REQUESTS_BEFORE.total
"""One that each service has from its first request on, so that it may not be there yet."""

_FLUSHED_NS: Final = 60 * 10**9
"""Jaeger writes span metrics every 15 s, and they are scraped as rarely."""

_LATE_SECONDS: Final = 150
"""A rate over 5 minutes needs two samples; Prometheus advises to scrape every 2 minutes at the least."""

Labels = dict[str, str]


@dataclass(frozen=True)
class Prometheus(Source):
    """A Prometheus, or what answers its API."""

    def series(self, promql: str) -> list[Labels]:
        """The labels of what an instant query finds. Raises SourceError."""
        return [labels for labels, _ in self.samples(promql)]

    def samples(self, promql: str) -> list[tuple[Labels, float]]:
        """Labels and value of what an instant query finds. Raises SourceError."""
        path = "/api/v1/query"
        answer = self.json(path, {"query": promql})
        try:
            return [
                ({str(key): str(value) for key, value in one["metric"].items()}, float(one["value"][1]))
                for one in answer["data"]["result"]
            ]
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            raise self.unlike(path) from None

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes now. Raises SourceError."""
        path = "/api/v1/targets"
        answer = self.json(path, {"state": "active"})
        try:
            return [one for one in answer["data"]["activeTargets"] if isinstance(one["labels"], dict)]
        except (KeyError, TypeError):
            raise self.unlike(path) from None


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for our families of this service, then for span metrics."""
    url = canary.backends.prometheus
    if url is None:
        yield Finding(HOP, NOT_CONFIGURED, canary.backends.absent(HOP))
        return
    prometheus = Prometheus("prometheus", url)
    try:
        for look in (_of_service, _span_metrics):
            yield onward.judged(look(canary, prometheus), "prometheus", canary)
    except SourceError as fault:
        yield onward.judged(fault.finding(HOP), "prometheus", canary)


def _of_service(canary: Canary, prometheus: Prometheus) -> Finding:
    settings = conf.settings()
    if not (settings.metrics and settings.metrics_path):
        says = "this service has no metrics page: METRICS or METRICS_PATH is off"
        return Finding(HOP, NOT_CONFIGURED, says)
    service = settings.service_name
    name = json.dumps(service)
    info = metricset.INFO.name
    labels = (
        Label.SERVICE,
        f"exported_{Label.SERVICE}",
    )  # the latter where the target has a label of its own
    seen = prometheus.series(" or ".join(f"{info}{{{label}={name}}}" for label in labels))
    if not seen:
        return _unseen(canary, prometheus, service)
    instances = sorted({each.get("instance", "?") for each in seen})
    if _drops(prometheus, seen):
        return Finding(
            HOP,
            BROKEN,
            f"{prometheus.address} scrapes {service}, but does not keep {FAMILY}",
            "metric_relabel_configs of the job, or a filter on its way, drops families of ours",
            "metric_relabel_configs:  # drop nothing named django_*, celery_*, http_* or observe_*",
        )
    return _counted(
        prometheus, seen, f"{service} is scraped at {', '.join(instances)} by {prometheus.address}"
    )


def _counted(prometheus: Prometheus, seen: Sequence[Labels], says: str) -> Finding:
    """Whether the counter that has the canary's request is there, and how old its last sample is."""
    counters = (f"{FAMILY}{_selector(each, 'job', 'instance')}" for each in seen)
    ages = [age for each in counters for _, age in prometheus.samples(f"time() - timestamp({each})")]
    if not ages:
        return Finding(HOP, OK, f"{says}, {FAMILY} not yet: it is there after a first request")
    age = min(ages)  # an instance that is gone has its series for 5 minutes, where nothing ends them
    says = f"{says}, its requests {age:.0f} s ago"
    if age <= _LATE_SECONDS:
        return Finding(HOP, OK, says)
    return Finding(
        HOP,
        BROKEN,
        says,
        "it is scraped too rarely for a rate over 5 minutes, or what is between sends samples late",
        "scrape_interval: 15s  # of the job",
    )


def _drops(prometheus: Prometheus, seen: Sequence[Labels]) -> bool:
    """Whether of each target some samples were scraped and not kept, among them those of a family of ours."""
    for each in seen:
        chosen = _selector(each, "job", "instance")
        if prometheus.series(f"{FAMILY}{chosen}"):
            return False
        if not prometheus.series(
            f"scrape_samples_post_metric_relabeling{chosen} < scrape_samples_scraped{chosen}"
        ):
            return False
    return True


def _selector(labels: Labels, *names: str) -> str:
    return "{" + ",".join(f"{name}={json.dumps(labels.get(name, ''))}" for name in names) + "}"


def _unseen(canary: Canary, prometheus: Prometheus, service: str) -> Finding:
    """Why nothing of ours has the service's name: its target is down, of something else, or missing."""
    targets = _own(prometheus.targets(), service, canary.urls)
    if any(target.get("health") == "unknown" for target in targets):
        tried = arrival.awaited(lambda: _tried(_own(prometheus.targets(), service, canary.urls)), canary)
        targets = tried or targets
    if targets:
        return scrapefault.finding(HOP, min(targets, key=lambda each: each.get("health") == "up"), service)
    where = urlsplit(canary.urls[0]).netloc if canary.urls else "HOST:PORT"
    return Finding(
        HOP,
        BROKEN,
        f"{prometheus.address} has no target of {service}",
        "no scrape_config leads to it, or its targets have neither this service's name nor its address",
        f'- job_name: django\n  static_configs: [{{targets: ["{where}"], labels: {{service: {service}}}}}]',
    )


def _own(targets: Sequence[dict[str, Any]], service: str, urls: Sequence[str]) -> list[dict[str, Any]]:
    """Targets of the service's name, or at an address that it was asked at."""
    places = {urlsplit(url).netloc for url in urls}
    return [
        target
        for target in targets
        if service in (target["labels"].get(Label.SERVICE), target["labels"].get("job"))
        or urlsplit(str(target.get("scrapeUrl"))).netloc in places
    ]


def _tried(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, or none while there is one that is yet to be scraped."""
    return [] if any(target.get("health") == "unknown" for target in targets) else targets


def _span_metrics(canary: Canary, prometheus: Prometheus) -> Finding:
    name = json.dumps(conf.settings().service_name)
    if prometheus.series(f"last_over_time({SPAN_CALLS}{{service_name={name}}}[1h])"):
        return Finding(SPAN_METRICS_HOP, OK, f"{SPAN_CALLS} of {conf.settings().service_name} is there")
    if canary.backends.jaeger is None:
        return Finding(SPAN_METRICS_HOP, NOT_CONFIGURED, "they are made by a Jaeger, and there is none")
    store = TraceStore("jaeger", canary.backends.jaeger)
    if not store.has_older(conf.settings().service_name, canary.started_ns - _FLUSHED_NS):
        return Finding(SPAN_METRICS_HOP, NOT_CONFIGURED, "not to be told yet: no span is older than a minute")
    cause = "Jaeger has no span_metrics connector, or Prometheus does not scrape the exporter behind it"
    if prometheus.series(f"count({SPAN_CALLS})"):
        cause = "it has those of other services: this one has another name in Jaeger, or the label is lost"
    missing = Finding(
        SPAN_METRICS_HOP,
        BROKEN,
        f"{prometheus.address} has no {SPAN_CALLS} of {conf.settings().service_name}",
        cause,
        '- job_name: jaeger-spanmetrics\n  static_configs: [{targets: ["jaeger:8889"]}]',
    )
    return onward.judged(missing, "jaeger", canary)
