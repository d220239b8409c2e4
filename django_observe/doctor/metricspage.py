"""The hop of the metrics page: who may read it, whose it is, and whether it is all of the service."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from django.urls import Resolver404, resolve

from django_observe import conf, trust
from django_observe.doctor import asking, sharing
from django_observe.doctor.canary import Canary
from django_observe.doctor.exposed import Samples, read, samples_of
from django_observe.doctor.fetching import Answer, FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.metricset import INFO, SCRAPE_INCOMPLETE
from django_observe.vocabulary import Label

HOP = "metrics page"


def examine(canary: Canary) -> Iterator[Finding]:
    """Reads the page of each service."""
    settings = conf.settings()
    if not settings.metrics or settings.metrics_path is None:
        off = "METRICS is False" if not settings.metrics else "METRICS_PATH is None"
        yield Finding(HOP, NOT_CONFIGURED, f"DJANGO_OBSERVE: {off}")
        return
    if not canary.urls:
        yield Finding(HOP, NOT_CONFIGURED, canary.nowhere)
    for url in canary.urls:
        yield from _page(url, settings.metrics_path)


def _page(url: str, path: str) -> Iterator[Finding]:
    try:
        answer = read(url, path)
    except FetchError as fault:
        yield Finding(HOP, NOT_CONFIGURED, f"{asking.address(url)} does not answer: {fault}")
        return
    address = f"{asking.address(url)}{path}"
    if answer.status != HTTPStatus.OK:
        yield _closed(url, address, answer)
        return
    samples = samples_of(answer.body)
    if INFO.name not in samples:
        yield _foreign(url, address, path, answer)
        return
    yield _ours(address, answer, samples)


def _closed(url: str, address: str, answer: Answer) -> Finding:
    settings = conf.settings()
    says = f"{address} answers {answer.status}"
    ours = answer.headers.get("Cache-Control") == "no-store" and answer.body == b"Not Found\n"
    if answer.status != HTTPStatus.NOT_FOUND or not ours:
        return Finding(HOP, NOT_CONFIGURED, f"{says}, and not by the service; --url asks the service itself")
    if settings.metrics_token is not None:
        cause = "the service has another METRICS_TOKEN than this process"
        return Finding(
            HOP, BROKEN, says, cause, 'DJANGO_OBSERVE["METRICS_TOKEN"] = ...    # the same in both'
        )
    if not settings.metrics_allow:
        return Finding(
            HOP,
            BROKEN,
            f"{says} to everyone",
            cause="METRICS_ALLOW is empty, and there is no METRICS_TOKEN: Prometheus gets 404 too",
            change='DJANGO_OBSERVE["METRICS_ALLOW"] = ["10.3.0.0/24"]    # the network Prometheus asks from',
        )
    if not trust.is_in(answer.own_address, settings.metrics_allow) or not asking.is_neighbour(url):
        allowed = ", ".join(map(str, settings.metrics_allow[:3]))
        return Finding(HOP, OK, f"{says} to {answer.own_address}, as METRICS_ALLOW has it: {allowed}")
    if not asking.is_direct(answer):
        closed = f"{says}: closed to what comes through a proxy; --url asks the service itself"
        return Finding(HOP, NOT_CONFIGURED, closed)
    return Finding(
        HOP,
        BROKEN,
        f"{says}, though METRICS_ALLOW has {answer.own_address}",
        cause="the service has another METRICS_ALLOW than this process, or a proxy between adds "
        "X-Forwarded-For or the like: what it passes on counts as from outside",
        change="let Prometheus (and --url) ask the service's own address, or set METRICS_TOKEN in both",
    )


def _foreign(url: str, address: str, path: str, answer: Answer) -> Finding:
    route = _own_route(path)
    if route:
        return Finding(
            HOP,
            BROKEN,
            f"{address} is the project's own page, without {INFO.name}",
            cause=f"{conf.urlconf()} routes {route!r} itself, and a route of the project's own wins",
            change=f"remove that route from {conf.urlconf()}; or DJANGO_OBSERVE"
            '["METRICS_PATH"] = "/observe/metrics"    # beside it',
        )
    says = f"{address} answers {answer.status} with {answer.kind or 'no content type'}, not our page"
    cause = f"{asking.address(url)} is another program, or runs without django_observe"
    return Finding(HOP, BROKEN, says, cause, "--url of the service itself")


def _own_route(path: str) -> str:
    try:
        return str(resolve(path, conf.urlconf()).route)
    except Resolver404:
        return ""


def _ours(address: str, answer: Answer, samples: Samples) -> Finding:
    here, there = conf.settings().service_name, samples[INFO.name][0][0].get(Label.SERVICE, "")
    if there != here:
        return Finding(
            HOP,
            BROKEN,
            f"{address} is of {there!r}, and this process is called {here!r}",
            cause="another service answers there, or the doctor runs in an environment unlike its own",
            change=f"OTEL_SERVICE_NAME={there} manage.py observe doctor    # and all its other OTEL_*",
        )
    if any(value for _, value in samples.get(SCRAPE_INCOMPLETE.name, [])):
        return Finding(
            HOP,
            BROKEN,
            f"{address} shows one of several workers",
            cause=f"each counts for itself, and a scrape meets any of them ({SCRAPE_INCOMPLETE.name} is 1): "
            "rates jump, and most requests are missing",
            change=sharing.change(answer.headers.get("Server", "")),
        )
    return Finding(HOP, OK, f"{address} has {len(samples)} families of {there}")
