"""Faults between this process and the running service: the ID, the clocks, the metrics page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from time import time

import pytest
from django.test import override_settings

from demo_services.ports import free_port
from django_observe.doctor import clock, metricspage, service, servicemetric
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import NOT_CONFIGURED, OK, Finding
from django_observe.doctor.servicemetric import FAMILY
from tests.doctor.answering import Answering, Asked, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.serving import proxy, served

ID = "X-Correlation-ID"

AWAY = plant(
    "the service does not run where --url says",
    "service",
    "nothing listens there: it is not running, or on another port",
    "start the service there, or --url of where it listens",
)
WITHOUT = plant(
    "the service was started without the line",
    "service",
    "the process was started with other settings, or before the line was added",
    'INSTALLED_APPS += ["django_observe"]    # and start it anew',
)
LOST = plant(
    "a proxy takes the ID away",
    "service",
    "a proxy takes X-Correlation-ID away, and lets … pass: between services both have to, at the edge "
    "neither",
    "between services, in nginx: proxy_set_header X-Correlation-ID $http_x_correlation_id;\n"
    'at the edge, in nginx: proxy_set_header … "";    # and for each header that has an ID',
)
ALL_LOST = plant(
    "a proxy takes every ID away",
    "service",
    "a proxy takes all IDs away, as at the edge alone it should, or TRUSTED_PEERS is another there",
    "between services, in nginx: proxy_set_header X-Correlation-ID $http_x_correlation_id;\n"
    "at the edge: nothing, and --url of the service itself",
)
ANSWER_LOST = plant(
    "a proxy takes the ID out of the answers",
    "service",
    "nginx/… is not the service, or takes X-Correlation-ID out of its answers",
    "--url of the service itself; in nginx remove: proxy_hide_header X-Correlation-ID;",
)
REDIRECTED = plant(
    "--url is answered by a redirect",
    "service",
    "what stands before the service redirects to https://…",
    "--url https://…",
)
SKEW = plant(
    "the clocks of two machines disagree",
    "clock",
    "one of the two keeps no time: spans and lines of both stand in the wrong order, and waits in queues "
    "come out wrong",
    "timedatectl set-ntp true    # on the one that timedatectl timesync-status finds off",
)
CLOSED = plant(
    "nobody may read the metrics page",
    "metrics page",
    "METRICS_ALLOW is empty, and there is no METRICS_TOKEN: Prometheus gets 404 too",
    'DJANGO_OBSERVE["METRICS_ALLOW"] = ["10.3.0.0/24"]    # the network Prometheus asks from',
)
FORWARDED = plant(
    "a proxy's headers close the metrics page",
    "metrics page",
    "the service has another METRICS_ALLOW than this process, or a proxy between adds X-Forwarded-For or the "
    "like: what it passes on counts as from outside",
    "let Prometheus (and --url) ask the service's own address, or set METRICS_TOKEN in both",
)
TOKEN = plant(
    "the service has another METRICS_TOKEN",
    "metrics page",
    "the service has another METRICS_TOKEN than this process",
    'DJANGO_OBSERVE["METRICS_TOKEN"] = ...    # the same in both',
)
FOREIGN_PAGE = plant(
    "the metrics page of --url is another program's",
    "metrics page",
    "http://… is another program, or runs without django_observe",
    "--url of the service itself",
)
OWN_PAGE = plant(
    "the project routes /metrics itself",
    "metrics page",
    "… routes 'metrics' itself, and a route of the project's own wins",
    'remove that route from …; or DJANGO_OBSERVE["METRICS_PATH"] = "/observe/metrics"    # beside it',
)


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The service, healthy."""
    with served() as url:
        yield url


def at(url: str, canary: Canary) -> Canary:
    """The canary, on its way to `url`."""
    return replace(canary, urls=(url,))


def states(findings: Iterator[Finding]) -> list[str]:
    return [each.state for each in findings]


def test_a_healthy_service(shop: str, sent: Canary) -> None:
    canary = at(shop, sent)
    for hop in (service, clock, metricspage, servicemetric):
        [found] = hop.examine(canary)
        assert (found.state, shop in found.says) == (OK, True)
    before, after = re.findall(r"(\d+) requests before, (\d+) after", found.says)[0]
    assert int(after) > int(before)
    assert canary.answered == {shop: sent.correlation_id}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_url_of_the_kits_own_endpoints(shop: str, sent: Canary, path: str) -> None:
    """These are neither counted nor traced."""
    canary = at(f"{shop}{path}", sent)
    [found] = service.examine(canary)
    assert (found.state, "answered the canary (404)" in found.says) == (OK, True)
    assert states(servicemetric.examine(canary)) == [OK]


@pytest.mark.parametrize(
    ("numbers", "state", "told"),
    [
        (("7", "7", "7"), NOT_CONFIGURED, "several instances may be behind it"),
        (("7", "100", "201"), OK, "counts requests: 7 requests before, 100 after the canary"),
    ],
)
def test_replicas_behind_one_address(
    sent: Canary, monkeypatch: pytest.MonkeyPatch, numbers: tuple[str, ...], state: str, told: str
) -> None:
    """One instance answers the canary, others show their pages: no fault, nor has any counted the canary."""
    monkeypatch.setattr(servicemetric, "WAIT_SECONDS", 0.1)
    replicas, headers = iter(numbers), {"Server": "gunicorn", ID: sent.correlation_id}

    def answer(asked: Asked) -> Told:
        number = next(replicas, numbers[-1]) if asked.path == "/metrics" else ""
        return Told(200, headers, f'observe_info{{service="shop"}} 1\n{FAMILY} {number}\n'.encode())

    with Answering(answer) as shop:
        canary = at(shop.url, sent)
        assert states(service.examine(canary)) == [OK]
        [found] = servicemetric.examine(canary)
    assert (found.state, told in found.says) == (state, True), found.says


def test_the_service_is_away(sent: Canary) -> None:
    diagnosed(service.examine(at(f"http://127.0.0.1:{free_port()}", sent)), AWAY, PLANTED[AWAY].change)


def test_a_service_without_the_kit(sent: Canary) -> None:
    with override_settings(MIDDLEWARE=[]), served() as url:
        found = diagnosed(service.examine(at(url, sent)), WITHOUT, PLANTED[WITHOUT].change)
    assert "WSGIServer" in found.says


def test_the_id_is_lost_at_a_proxy(shop: str, sent: Canary) -> None:
    change = PLANTED[LOST].change.replace("…", "X-Request-ID")
    with proxy(shop, without=(ID,)) as before:
        diagnosed(service.examine(at(before.url, sent)), LOST, change)


def test_only_the_trace_gets_through_a_proxy(sent: Canary) -> None:
    """A service that traces then has the trace's ID for that of the request."""
    with Answering(lambda asked: Told(200, {ID: asked.headers["traceparent"].split("-")[1]})) as before:
        change = PLANTED[LOST].change.replace("…", "traceparent")
        diagnosed(service.examine(at(before.url, sent)), LOST, change)


def test_all_ids_are_lost_at_a_proxy(shop: str, sent: Canary) -> None:
    """What is said undoes nothing of what docs/how-to/proxy.md asks for at the edge."""
    with proxy(shop, without=(ID, "X-Request-ID", "traceparent", "tracestate")) as before:
        diagnosed(service.examine(at(before.url, sent)), ALL_LOST, PLANTED[ALL_LOST].change)


def test_a_proxy_that_passes_everything_is_well(shop: str, sent: Canary) -> None:
    with proxy(shop, adding={"X-Forwarded-For": "203.0.113.9"}) as before:
        assert states(service.examine(at(before.url, sent))) == [OK]


def test_who_asks_from_outside_is_not_believed_and_need_not_be(shop: str, sent: Canary) -> None:
    edge = {"PROPAGATE_TO": ["*.internal"]}
    with override_settings(DJANGO_OBSERVE=edge), proxy(shop, without=(ID, "X-Request-ID")) as before:
        assert states(service.examine(at(before.url, sent))) == [OK]
    with override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": ["10.1.0.0/16"]}):
        canary = at(shop, sent)
        [found] = service.examine(canary)
    assert (found.state, "TRUSTED_PEERS does not have 127.0.0.1" in found.says) == (OK, True)
    assert canary.answered[shop] in found.says


def test_the_id_of_the_answer_is_lost(shop: str, sent: Canary) -> None:
    with proxy(shop, answers_without=(ID,)) as before:
        diagnosed(service.examine(at(before.url, sent)), ANSWER_LOST, PLANTED[ANSWER_LOST].change)
    with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": None}):
        assert states(service.examine(at(shop, sent))) == [OK]


def test_a_redirect(sent: Canary) -> None:
    with Answering(lambda _: Told(301, {"Location": "https://shop.example.com/observe-doctor"})) as before:
        diagnosed(service.examine(at(before.url, sent)), REDIRECTED, "--url https://shop.example.com")


@pytest.mark.parametrize(("seconds", "told"), [(-90, "behind"), (3_600, "ahead of"), (-5, "behind")])
def test_a_clock_that_is_off(sent: Canary, seconds: int, told: str) -> None:
    def answer(_: object) -> Told:
        return Told(200, {"Date": formatdate(time() + seconds, usegmt=True)})

    with Answering(answer) as other:
        found = diagnosed(clock.examine(at(other.url, sent)), SKEW, PLANTED[SKEW].change)
    says = re.fullmatch(rf"{other.url} is (\d+) s {told} this machine", found.says)
    assert says is not None
    assert abs(int(says[1]) - abs(seconds)) <= 1


def test_the_clock_of_the_collector(sent: Canary, monkeypatch: pytest.MonkeyPatch, shop: str) -> None:
    with Answering(lambda _: Told(200, {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        found = diagnosed(clock.examine(at(shop, sent)), SKEW, PLANTED[SKEW].change)
    assert found.says.startswith(collector.url)


@pytest.mark.parametrize("given", [{"METRICS": False}, {"METRICS_PATH": None}])
def test_a_metrics_page_that_is_off(shop: str, sent: Canary, given: dict[str, object]) -> None:
    with override_settings(DJANGO_OBSERVE=given):
        assert states(metricspage.examine(at(shop, sent))) == [NOT_CONFIGURED]


def test_a_metrics_page_for_nobody(shop: str, sent: Canary) -> None:
    with override_settings(DJANGO_OBSERVE={"METRICS_ALLOW": []}):
        diagnosed(metricspage.examine(at(shop, sent)), CLOSED, PLANTED[CLOSED].change)


def test_a_metrics_page_for_others(shop: str, sent: Canary) -> None:
    with override_settings(DJANGO_OBSERVE={"METRICS_ALLOW": ["10.3.0.0/24"]}):
        [found] = metricspage.examine(at(shop, sent))
    assert (found.state, found.says.endswith("as METRICS_ALLOW has it: 10.3.0.0/24")) == (OK, True)


def test_a_metrics_page_with_a_token(shop: str, sent: Canary) -> None:
    with override_settings(DJANGO_OBSERVE={"METRICS_ALLOW": [], "METRICS_TOKEN": "sesame"}):
        assert states(metricspage.examine(at(shop, sent))) == [OK]
        with proxy(shop, adding={"Authorization": "Bearer other"}) as before:
            diagnosed(metricspage.examine(at(before.url, sent)), TOKEN, PLANTED[TOKEN].change)


def test_a_metrics_page_behind_a_proxy(shop: str, sent: Canary) -> None:
    forwarded = {"X-Forwarded-For": "10.0.0.9"}
    with proxy(shop, adding=forwarded) as before:
        assert states(metricspage.examine(at(before.url, sent))) == [NOT_CONFIGURED]
    with proxy(shop, adding=forwarded, server={}) as before:
        diagnosed(metricspage.examine(at(before.url, sent)), FORWARDED, PLANTED[FORWARDED].change)


def test_a_metrics_page_that_the_proxy_keeps_closed(sent: Canary) -> None:
    with Answering(lambda _: Told(404, {"Server": "nginx", "Content-Type": "text/html"}, b"404")) as before:
        assert states(metricspage.examine(at(before.url, sent))) == [NOT_CONFIGURED]


@pytest.mark.parametrize("page", [b"<html>", b"\xff{", b'a{x="1",\r="2"} 1\n', b"# TYPE \x1d counter\n"])
def test_a_metrics_page_of_nonsense(sent: Canary, page: bytes) -> None:
    with Answering(lambda _: Told(200, {"Content-Type": "text/plain"}, page)) as other:
        [found] = metricspage.examine(at(other.url, sent))
        change = PLANTED[FOREIGN_PAGE].change
        assert diagnosed(metricspage.examine(at(other.url, sent)), FOREIGN_PAGE, change) == found
    assert found.says == f"{other.url}/metrics answers 200 with text/plain, not our page"


def test_a_metrics_page_of_the_projects_own(sent: Canary) -> None:
    with override_settings(ROOT_URLCONF="tests.doctor.ownpage"), served() as url:
        change = PLANTED[OWN_PAGE].change.replace("…", "tests.doctor.ownpage")
        diagnosed(metricspage.examine(at(url, sent)), OWN_PAGE, change)
