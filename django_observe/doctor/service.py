"""The hop of the running service: it takes the canary's ID, and answers under it."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

from django.http.request import split_domain_port

from django_observe import conf, trust
from django_observe.doctor import asking, servicemetric, serviceurl
from django_observe.doctor.canary import Canary
from django_observe.doctor.fetching import Answer, FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.vocabulary import Header

HOP = "service"
_REDIRECTS = range(300, 400)


def examine(canary: Canary) -> Iterator[Finding]:
    """Sends the canary to each URL."""
    if not canary.urls:
        yield Finding(HOP, NOT_CONFIGURED, canary.nowhere)
    for url in canary.urls:
        yield _asked(url, canary)


def _asked(url: str, canary: Canary) -> Finding:
    settings, address = conf.settings(), asking.address(url)
    before = servicemetric.of(url)
    if before is not None:
        canary.counted[url] = before.number
    began = monotonic()
    try:
        answer = asking.send(url, canary, settings.correlation_headers[0])
    except FetchError as fault:
        says = f"{address} does not answer: {fault}"
        return Finding(HOP, BROKEN, says, fault.cause, fault.change or _started(url))
    took = (monotonic() - began) * 1_000
    header = settings.correlation_header
    answered = answer.headers.get(header, "") if header else ""
    if header and not answered:
        return _unobserved(url, answer, header)
    if header:
        canary.answered[url] = answered
    if asking.may_refuse_host(url, answer):
        return _refused(url)
    if header is None:
        return Finding(HOP, OK, f"{address} answers {answer.status}; by CORRELATION_HEADER without its ID")
    if answered == canary.correlation_id:
        name = asking.allowed_name(url)
        told = f"{address} answered the canary ({answer.status}) under its ID, in {took:.0f} ms"
        return Finding(HOP, OK, f"{told}, asked as {name}" if name else told)
    return _another(url, answer, answered, canary)


def _started(url: str) -> str:
    """What to do where nobody is: the usual address is proposed if this service answers there."""
    usual = () if asking.address(url) == serviceurl.USUAL else serviceurl.usual()[0]
    return f"--url {usual[0]}" if usual else "start the service there, or --url of where it listens"


def _refused(url: str) -> Finding:
    """Its ALLOWED_HOSTS is another than this process's, or has nothing that could be asked for."""
    host = asking.allowed_name(url) or asking.address(url).partition("://")[2]
    name = split_domain_port(host)[0] or host
    return Finding(
        HOP,
        BROKEN,
        f"{asking.address(url)} answers 400 to Host {host}",
        cause="ALLOWED_HOSTS of the service may not have that name (DisallowedHost, mailed to ADMINS): "
        "its log says",
        change=f'ALLOWED_HOSTS += ["{name}"]    # in the service\'s settings; '
        "or --url by a name that its ALLOWED_HOSTS has",
    )


def _unobserved(url: str, answer: Answer, header: str) -> Finding:
    """The answer has no ID at all: every one that passes our middleware has."""
    address, server = asking.address(url), answer.headers.get("Server", "")
    says = f"{address} answers {answer.status} without {header}"
    if answer.status in _REDIRECTS and answer.location:
        cause = f"what stands before the service redirects to {answer.location}"
        return Finding(HOP, BROKEN, says, cause, f"--url {asking.address(answer.location)}")
    if asking.is_direct(answer):
        return Finding(
            HOP,
            BROKEN,
            f"{says}: {server} runs no django_observe",
            cause="the process was started with other settings, or before the line was added",
            change='INSTALLED_APPS += ["django_observe"]    # and start it anew',
        )
    return Finding(
        HOP,
        BROKEN,
        says,
        cause=f"{server or 'what answers there'} is not the service, or takes {header} out of its answers",
        change=f"--url of the service itself; in nginx remove: proxy_hide_header {header};",
    )


def _another(url: str, answer: Answer, answered: str, canary: Canary) -> Finding:
    """It answers under another ID: as it should to a stranger, and not to a neighbour."""
    settings, address = conf.settings(), asking.address(url)
    says = f"{address} answers {answer.status} under another ID, {answered[:40]}"
    if not asking.is_neighbour(url):
        return Finding(HOP, OK, f"{says}: who asks from outside is not believed")
    if answered != canary.trace_id and not trust.is_in(answer.own_address, settings.trusted_peers):
        return Finding(HOP, OK, f"{says}: TRUSTED_PEERS does not have {answer.own_address}")
    passing = Header.TRACEPARENT if answered == canary.trace_id else _passing(url, canary)
    header = settings.correlation_headers[0]
    variable = header.lower().replace("-", "_")
    between = f"between services, in nginx: proxy_set_header {header} $http_{variable};\n"
    if passing:
        cause = f"a proxy takes {header} away, and lets {passing} pass: "
        cause += "between services both have to, at the edge neither"
        edge = f'in nginx: proxy_set_header {passing} "";    # and for each header that has an ID'
        return Finding(HOP, BROKEN, says, cause, f"{between}at the edge, {edge}")
    cause = "a proxy takes all IDs away, as at the edge alone it should, or TRUSTED_PEERS is another there"
    edge = "nothing, and --url of the service itself"
    return Finding(HOP, BROKEN, says, cause, f"{between}at the edge: {edge}")


def _passing(url: str, canary: Canary) -> str:
    """Another header that the service reads in which the ID arrives; empty if there is none."""
    settings = conf.settings()
    for header in settings.correlation_headers[1:]:
        try:
            answer = asking.send(url, canary, header)
        except FetchError:
            continue
        if answer.headers.get(settings.correlation_header or "", "") == canary.correlation_id:
            return header
    return ""
