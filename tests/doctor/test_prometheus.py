"""Prometheus as the doctor sees it: Debian's own, with a real service, and a job for each fault."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from demo_services.ports import free_port
from django_observe.doctor import prometheus, scrapefault
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import NOT_CONFIGURED, OK, Finding
from tests.doctor.faulttable import PLANTED, assert_found, plant
from tests.doctor.running import environment, gunicorn
from tests.doctor.scraping import scraping, targets
from tests.doctor.served import answer, canary, recording, serving
from tests.processes import get

SPAN_METRICS = Path(__file__).parent / "recorded" / "span_metrics.txt"
"""What the exporter behind Jaeger's span_metrics connector answered, for a service called shop."""


SERVED = ("spans", "page", "failing", "redirecting", "hanging", "late", "ending")
"""Targets that a server of this process stands for: the paths of its pages."""


def jobs(service: str, closed: str, pages: str) -> dict[str, dict[str, Any]]:
    """A job for each name that this service is to have: well, or with a fault."""
    return {
        "shop": {"targets": service},
        "dropped": {"targets": service, "drop": "django_.*"},
        "hidden": {"targets": service, "metrics_path": "/not-the-metrics"},
        "closed": {"targets": closed},
        "away": {"targets": f"127.0.0.1:{free_port()}"},
        "secure": {"targets": service, "scheme": "https"},
        "limited": {"targets": service, "sample_limit": 1},
        "other": {"targets": pages, "metrics_path": "/spans"},
        **{name: {"targets": pages, "metrics_path": f"/{name}"} for name in SERVED},
        "hanging": {"targets": pages, "metrics_path": "/hanging", "every": "1s"},
    }


@contextmanager
def asked(**variables: str) -> Iterator[str]:
    """Host and port of a service that has had a request: from then on there are families to drop."""
    with gunicorn(variables) as url:
        get(f"{url}/of-nobody")
        yield url.removeprefix("http://")


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """One that Prometheus may read."""
    with asked(DJANGO_SETTINGS_MODULE="tests.settings", OTEL_SERVICE_NAME="own-name") as place:
        yield place


@pytest.fixture(scope="module")
def closed() -> Iterator[str]:
    """One whose METRICS_ALLOW leaves everybody out."""
    with asked(**environment({"DJANGO_OBSERVE": {"METRICS_ALLOW": []}})) as place:
        yield place


def late() -> bytes:
    """The page of a service called late, as one that passes samples on some minutes later has it."""
    at = int((time.time() - 170) * 1_000)
    return f'observe_info{{service="late"}} 1 {at}\n{prometheus.FAMILY} 7 {at}\n'.encode()


@contextmanager
def other_pages() -> Iterator[str]:
    """Host and port of pages as Prometheus may meet them, among them what Jaeger's exporter has."""
    over, plain = Event(), "text/plain; version=0.0.4"

    def answering(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/hanging":
            over.wait(60)
        elif handler.path == "/ending":
            return
        elif handler.path == "/failing":
            answer(handler, b"", plain, 500)
        elif handler.path == "/redirecting":
            answer(handler, b"", plain, 302, handler.path)
        elif handler.path == "/page":
            answer(handler, b"<!doctype html><title>Welcome</title>", "text/html")
        else:
            answer(handler, late() if handler.path == "/late" else SPAN_METRICS.read_bytes(), plain)

    with serving(answering) as url:
        yield url.removeprefix("http://")
        over.set()


@pytest.fixture(scope="module")
def scraped(service: str, closed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has tried each target."""
    with (
        other_pages() as pages,
        scraping(tmp_path_factory.mktemp("prometheus"), jobs(service, closed, pages)) as url,
    ):
        yield url


def target(url: str, job: str) -> str:
    """The address that a job scrapes."""
    return next(str(each["scrapeUrl"]) for each in targets(url) if each["labels"]["job"] == job)


@pytest.fixture
def examined(scraped: str, settings: Any) -> Any:
    """What the hop finds for a service of some name."""

    def found(name: str, *urls: str, jaeger: str | None = None, given: bool = True) -> list[Finding]:
        settings.DJANGO_OBSERVE = {"SERVICE_NAME": name}
        named = frozenset({"prometheus", "jaeger"} if given else {"jaeger"})
        known = Backends(prometheus=scraped, jaeger=jaeger, given=named)
        return list(prometheus.examine(canary(known, urls=urls)))

    return found


@pytest.mark.parametrize("name", ["shop", "own-name"])
def test_a_service_that_is_scraped(examined: Any, service: str, name: str) -> None:
    """By the name that its target has, or by its own."""
    found, _ = examined(name)
    assert (found.state, service in found.says) == (OK, True)
    [age] = re.findall(r", its requests (\d+) s ago", found.says)
    assert int(age) < 60


DROPPED = plant(
    "Prometheus drops families of ours",
    "Prometheus",
    "metric_relabel_configs of the job, or a filter on its way, drops families of ours",
    "metric_relabel_configs:  # drop nothing named django_*, celery_*, http_* or observe_*",
)
HIDDEN = plant(
    "the job has another path than METRICS_PATH",
    "Prometheus",
    "who is not in METRICS_ALLOW, or comes through a proxy, is not answered; or the path is not METRICS_PATH",
    'DJANGO_OBSERVE = {"METRICS_TOKEN": "..."}  # and for the job: authorization: {credentials: "..."}',
)
CLOSED = plant(
    "METRICS_ALLOW leaves Prometheus out",
    "Prometheus",
    PLANTED[HIDDEN].cause,
    PLANTED[HIDDEN].change,
)
FAILING = plant(
    "a service that answers Prometheus with 500",
    "Prometheus",
    "the service fails while it answers; its log says why",
    "see the log of the service",
)
REDIRECTING = plant(
    "a service that redirects Prometheus",
    "Prometheus",
    "something before the service redirects, to https or to a login",
    "scheme: https  # of the job; or scrape the service itself, not what is in front of it",
)
HANGING = plant(
    "a service that keeps Prometheus waiting",
    "Prometheus",
    "the service is too slow, has no free worker, or cannot be reached",
    "scrape_timeout: 10s  # of the job; or give the service more workers",
)
ENDING = plant(
    "a service that ends Prometheus' connection without an answer",
    "Prometheus",
    "the scrape fails",
    "see Status, Targets in Prometheus",
)
LIMITED = plant(
    "a job that takes fewer series than the page has",
    "Prometheus",
    "the page has more series than the job takes",
    "sample_limit: 20000",
)
UNKNOWN = plant(
    "a target whose name Prometheus cannot resolve",
    "Prometheus",
    "the target's name is not known where Prometheus runs",
    'static_configs: [{targets: ["HOST:PORT"]}]  # by a name that Prometheus can resolve',
)
LATE = plant(
    "samples that come to Prometheus late",
    "Prometheus",
    "it is scraped too rarely for a rate over 5 minutes, or what is between sends samples late",
    "scrape_interval: 15s  # of the job",
)
AWAY = plant(
    "a target where nothing listens",
    "Prometheus",
    "nothing listens at the target's address: the service is down, or it has another port",
    'static_configs: [{targets: ["HOST:PORT"]}]  # where the service listens',
)
SECURE = plant(
    "a job with https for a service without",
    "Prometheus",
    "the job asks by https, the service answers http",
    "scheme: http",
)
PAGE = plant(
    "a target that is a page for people",
    "Prometheus",
    "what is answered there is no metrics page: another program, or a page in front of the service",
    'static_configs: [{targets: ["HOST:PORT"]}]  # of the service itself',
)
OTHER = plant(
    "a target that is another program",
    "Prometheus",
    "another program answers there, the kit is not in its INSTALLED_APPS, or it has another name",
    'INSTALLED_APPS += ["django_observe"]',
)
NO_TARGET = plant(
    "no target of this service",
    "Prometheus",
    "no scrape_config leads to it, or its targets have neither this service's name nor its address",
    '- job_name: django\n  static_configs: [{targets: ["…"], labels: {service: …}}]',
)
WITHOUT_SPAN_METRICS = plant(
    "Prometheus without any span metrics",
    "span metrics",
    "Jaeger has no span_metrics connector, or Prometheus does not scrape the exporter behind it",
    '- job_name: jaeger-spanmetrics\n  static_configs: [{targets: ["jaeger:8889"]}]',
)
NO_SPAN_METRICS = plant(
    "Prometheus with span metrics of other services only",
    "span metrics",
    "it has those of other services: this one has another name in Jaeger, or the label is lost",
    '- job_name: jaeger-spanmetrics\n  static_configs: [{targets: ["jaeger:8889"]}]',
)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("dropped", DROPPED),
        ("hidden", HIDDEN),
        ("closed", CLOSED),
        ("failing", FAILING),
        ("redirecting", REDIRECTING),
        ("hanging", HANGING),
        ("ending", ENDING),
        ("limited", LIMITED),
        ("late", LATE),
        ("away", AWAY),
        ("secure", SECURE),
        ("page", PAGE),
        ("other", OTHER),
        ("nobody", NO_TARGET),
    ],
)
def test_a_fault_of_scraping(examined: Any, name: str, fault: str) -> None:
    assert_found(examined(name), fault)


def test_a_target_is_known_by_its_address_as_well(examined: Any, scraped: str) -> None:
    """Where no target has the service's name, those at the addresses of --url are looked at."""
    assert_found(examined("renamed", target(scraped, "away")), AWAY)
    told = examined("nobody", given=False)
    assert [finding.state for finding in told] == [NOT_CONFIGURED, NOT_CONFIGURED]
    assert [each.state for each in examined("away", given=False)] == [NOT_CONFIGURED, NOT_CONFIGURED]


def test_a_service_without_a_page_has_nothing_to_scrape(examined: Any, settings: Any, scraped: str) -> None:
    settings.DJANGO_OBSERVE = {"METRICS_PATH": None}
    first, _ = prometheus.examine(canary(Backends(prometheus=scraped)))
    assert first.state == NOT_CONFIGURED


def test_span_metrics(examined: Any) -> None:
    """Those of a service that Jaeger has known for a minute have to be there."""
    with recording("jaeger") as jaeger:
        assert [finding.state for finding in examined("shop", jaeger=jaeger)] == [OK, OK]
        _, unknown = examined("stock", jaeger=jaeger, given=False)
    with recording("jaeger", shop="own-name") as jaeger:
        assert_found(examined("own-name", jaeger=jaeger), NO_SPAN_METRICS)
    assert unknown.state == NOT_CONFIGURED


def test_no_span_metrics_at_all(settings: Any, tmp_path: Path) -> None:
    settings.DJANGO_OBSERVE = {"SERVICE_NAME": "shop"}
    with scraping(tmp_path, {}) as empty, recording("jaeger") as jaeger:
        for named in ({"prometheus"}, {"jaeger"}):
            known = Backends(prometheus=empty, jaeger=jaeger, given=frozenset(named))
            *_, found = prometheus.examine(canary(known))
            assert (found.hop, found.state) == (prometheus.SPAN_METRICS_HOP, NOT_CONFIGURED)
        known = Backends(prometheus=empty, jaeger=jaeger, given=frozenset({"prometheus", "jaeger"}))
        *_, found = prometheus.examine(canary(known))
        assert_found([found], WITHOUT_SPAN_METRICS)


def test_an_instance_that_was_replaced_is_not_late(settings: Any) -> None:
    """Where nothing ends its series, as behind remote write, they are there for 5 minutes."""
    settings.DJANGO_OBSERVE = {"SERVICE_NAME": "shop"}

    def answering(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)["query"][0]
        ages = {"old": "290", "new": "12"} if query.startswith(("time()", "observe_info")) else {}
        found = [
            {"metric": {"job": "shop", "instance": name}, "value": [0, age]}
            for name, age in ages.items()
            if query.startswith("observe_info") or f'"{name}"' in query
        ]
        answer(handler, json.dumps({"data": {"result": found}}).encode())

    with serving(answering) as url:
        found, _ = prometheus.examine(canary(Backends(prometheus=url, given=frozenset({"prometheus"}))))
    assert (found.state, found.says.endswith("its requests 12 s ago")) == (OK, True)


@pytest.mark.parametrize("said", ["no such host", "server misbehaving"])
def test_a_name_that_is_not_known(said: str) -> None:
    """As Prometheus 2.42 says it of a resolver that knows no such name, and of one that fails."""
    error = f'Get "http://shop.invalid:8000/metrics": dial tcp: lookup shop.invalid on 127.0.0.53:53: {said}'
    away = {"health": "down", "scrapeUrl": "http://shop.invalid:8000/metrics", "lastError": error}
    assert_found([scrapefault.finding(prometheus.HOP, away, "shop")], UNKNOWN)
