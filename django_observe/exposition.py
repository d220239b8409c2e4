"""The metrics page: who may read it, in which format, and one broken family never costs the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from email.message import Message
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from django_observe import (
    activerequests,
    conf,
    exemplars,
    metrics,
    migrationstate,
    multiprocess,
    siblings,
    testenvironment,
    trust,
)
from django_observe.metricset import INFO, MIGRATIONS_APPLIED, MIGRATIONS_UNAPPLIED, SCRAPE_INCOMPLETE
from django_observe.reporting import guard
from django_observe.vocabulary import Header, Label
from django_observe.vocabulary import Metric as Declared

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector

    Encode = Callable[[Collector], bytes]

_EOF: Final = b"# EOF\n"
_OPENMETRICS: Final = "application/openmetrics-text"


def page(request: HttpRequest) -> HttpResponse:
    """Answers a scrape; to whom it is not meant for, 404."""
    meta = request.META
    if not (conf.settings().metrics and allowed(meta.get("REMOTE_ADDR", ""), request.headers)):
        response = HttpResponse("Not Found\n", status=404, content_type="text/plain; charset=utf-8")
    elif request.method not in {"GET", "HEAD"}:
        response = HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    else:
        several = _is_one_of_several(request)
        body, content_type = render(meta.get("HTTP_ACCEPT", ""), several=several, more=_migrations())
        response = HttpResponse(body, content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response


def _is_one_of_several(request: HttpRequest) -> bool:
    """As far as a process can tell: WSGI's word (PEP 3333), or a parent that started it by multiprocessing.

    Django's ASGIRequest has a `wsgi.multiprocess` that is always True, and some servers' is too.
    """
    told = not isinstance(request, ASGIRequest) and bool(request.META.get("wsgi.multiprocess"))
    return (told and not siblings.are_only_claimed()) or siblings.may_be_several()


def allowed(peer: str, headers: Mapping[str, str] | Message) -> bool:
    """Whether a reader may see what is inside: by METRICS_TOKEN, or as a direct peer in METRICS_ALLOW.

    A Unix socket's peer, which has no address, is a proxy, whatever headers it adds: it needs the token.
    """
    settings = conf.settings()
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if settings.metrics_token is not None and scheme.lower() == "bearer":
        return compare_digest(token.strip().encode("utf-8", "replace"), settings.metrics_token.encode())
    forwarded = any(name in headers for name in Header.FORWARDING)
    return bool(peer) and not forwarded and trust.is_in(peer, settings.metrics_allow)


def render(accept: str, *, several: bool, more: Iterable[Metric] = ()) -> tuple[bytes, str]:
    """The page in the format that `accept` asks for, and its content type.

    `several`: this process is one of several; without a shared directory the page is then incomplete.
    `more`: families that are made for this very scrape; they take the place of registered ones of their name.
    """
    several = several or multiprocess.failed
    encode, content_type = _encoder(accept)
    directory = multiprocess.directory()
    made = [*more, *_identity(incomplete=several and directory is None)]
    families = _in_place(_registered(directory), made)
    if content_type.startswith(_OPENMETRICS):
        families = _with_exemplars(families, exemplars.newest(directory))
    chunks = []
    for family in families:
        with guard("exposition"):
            chunks.append(encode(_Only(family)).removesuffix(_EOF))
    if content_type.startswith(_OPENMETRICS):
        chunks.append(_EOF)
    return b"".join(chunks), content_type


class _Only:
    """A collector of one family, for encoders that take a registry."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def _encoder(accept: str) -> tuple[Encode, str]:
    from prometheus_client.exposition import choose_encoder

    with guard("exposition"):  # a version such as "x" in the header is not foreseen there
        return choose_encoder(accept)
    return choose_encoder("")


def gauges(declared: Declared, values: Mapping[tuple[str, ...], float]) -> Metric:
    """A family of gauges made for one scrape; its values by those of its labels."""
    from prometheus_client.metrics_core import Metric

    family = Metric(declared.name, declared.help, declared.kind)
    for labels, value in values.items():
        family.add_sample(declared.name, dict(zip(declared.labels, labels, strict=True)), value)
    return family


def _registered(directory: Path | None) -> Iterator[Metric]:
    with guard("exposition"):
        activerequests.settle()
    metrics.mirror()
    if directory is None:
        yield from _own_families()
    else:
        yield from multiprocess.families(directory)


def _migrations() -> list[Metric]:
    found: dict[str, tuple[int, int]] = {}
    with guard("migrations"):
        if conf.settings().metrics_migrations and not testenvironment.in_force():
            found = migrationstate.counts()
    if not found:
        return []
    return [
        gauges(MIGRATIONS_APPLIED, {(alias,): applied for alias, (applied, _) in found.items()}),
        gauges(MIGRATIONS_UNAPPLIED, {(alias,): unapplied for alias, (_, unapplied) in found.items()}),
    ]


def _identity(*, incomplete: bool) -> Iterator[Metric]:
    settings = conf.settings()
    yield gauges(INFO, {(settings.service_name, settings.version, settings.environment): 1})
    yield gauges(SCRAPE_INCOMPLETE, {(): int(incomplete)})


def _in_place(families: Iterable[Metric], made: Sequence[Metric]) -> Iterator[Metric]:
    names = {family.name for family in made}
    for family in families:
        if family.name not in names:
            yield family
    yield from made


def _own_families() -> Iterator[Metric]:
    """The families of this process; a collector of the project's that raises costs only itself."""
    from prometheus_client import REGISTRY

    for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001 - collect() ends at the first fault
        with guard("exposition"):
            yield from list(collector.collect())


def _with_exemplars(families: Iterable[Metric], marks: dict[bytes, exemplars.Mark]) -> Iterator[Metric]:
    from prometheus_client.samples import Exemplar

    for family in families:
        if marks and family.type == "histogram":
            for place, sample in enumerate(family.samples):
                mark = marks.get(exemplars.key_of(sample.name, sample.labels))
                if mark is not None:
                    exemplar = Exemplar({Label.TRACE_ID: mark.trace_id}, mark.value, mark.at)
                    family.samples[place] = sample._replace(exemplar=exemplar)
        yield family
