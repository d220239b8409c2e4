"""The metrics page: who may read it, in which formats, and that no fault of one family costs another."""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from prometheus_client import REGISTRY, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from django_observe import exposition, metrics, reporting
from django_observe.propagation import meta_key
from django_observe.records import Exchange, TraceContext
from django_observe.vocabulary import Header

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
LATENCY = "django_http_requests_latency_seconds_by_view_method"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def scrape(method: str = "GET", **meta: str) -> HttpResponse:
    environ: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", **meta}
    return exposition.page(RequestFactory().generic(method, "/metrics", **environ))


@pytest.fixture(autouse=True)
def _one_exchange() -> None:
    trace = TraceContext(TRACE_ID, "b7ad6b7169203331", sampled=True)
    metrics.report(
        Exchange(
            correlation_id="0123456789",
            trace=trace,
            method="GET",
            path="/",
            view="page",
            matched=True,
            status=200,
            seconds=0.2,
        )
    )


@pytest.mark.parametrize(
    ("status", "meta"),
    [
        (200, {}),
        (200, {"REMOTE_ADDR": "10.1.2.3"}),
        (200, {"REMOTE_ADDR": "::1"}),
        (200, {"REMOTE_ADDR": "::ffff:10.1.2.3"}),
        (404, {"REMOTE_ADDR": ""}),
        (404, {"REMOTE_ADDR": "203.0.113.9"}),
        (404, {"REMOTE_ADDR": "2001:db8::1"}),
        (404, {"REMOTE_ADDR": "not an address"}),
        (404, {"HTTP_X_FORWARDED_FOR": "10.0.0.1"}),
        (404, {"HTTP_FORWARDED": "for=10.0.0.1"}),
        (404, {"HTTP_X_REAL_IP": "10.0.0.1"}),
        (404, {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": ""}),
        (404, {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer None"}),
    ],
)
def test_direct_private_peers_may_read_it_and_nobody_else(status: int, meta: dict[str, str]) -> None:
    answer = scrape(**meta)
    assert answer.status_code == status
    assert answer["Cache-Control"] == "no-store"
    assert (b"django_http" in answer.content) is (status == 200)
    if status == 404:
        assert answer.content == b"Not Found\n"


@pytest.mark.parametrize("header", Header.FORWARDING)
def test_no_header_of_a_proxy_gets_through(header: str) -> None:
    assert scrape(**{meta_key(header): "10.0.0.1"}).status_code == 404


@override_settings(DJANGO_OBSERVE={"METRICS_TOKEN": "s3cret"})
def test_a_unix_sockets_peer_needs_the_token() -> None:
    assert scrape(REMOTE_ADDR="", HTTP_AUTHORIZATION="Bearer s3cret").status_code == 200


@override_settings(DJANGO_OBSERVE={"METRICS_TOKEN": "s3cret", "METRICS_ALLOW": ["192.0.2.0/24"]})
@pytest.mark.parametrize(
    ("status", "authorization"),
    [
        (200, "Bearer s3cret"),
        (200, "bearer s3cret"),
        (404, "Bearer s3cre"),
        (404, "Bearer s3cret2"),
        (404, "Bearer "),
        (404, "Basic s3cret"),
        (404, "Bearer \ud800"),
        (404, ""),
    ],
)
def test_a_bearer_token_opens_it_from_anywhere(status: int, authorization: str) -> None:
    meta = {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}
    assert scrape(**meta, HTTP_AUTHORIZATION=authorization).status_code == status


@override_settings(DJANGO_OBSERVE={"METRICS_TOKEN": "s3cret"})
@pytest.mark.parametrize("token", ["s3cret", "guess"])
def test_how_much_of_a_token_is_right_takes_no_time(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compare(one: bytes, other: bytes) -> bool:
        asked.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(exposition, "compare_digest", compare)
    assert scrape(HTTP_AUTHORIZATION=f"Bearer {token}").status_code == (200 if token == "s3cret" else 404)
    assert asked == [(token.encode(), b"s3cret")]


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405), ("DELETE", 405)])
def test_it_is_only_read(method: str, status: int) -> None:
    assert scrape(method).status_code == status


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=x", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
    ],
)
def test_the_format_is_negotiated_and_parses(accept: str, content_type: str) -> None:
    answer = scrape(HTTP_ACCEPT=accept)
    assert answer["Content-Type"].removesuffix("; escaping=underscores") == content_type  # since 0.26
    parse = parse_openmetrics if "openmetrics" in content_type else parse_text
    names = {sample.name for family in parse(answer.content.decode()) for sample in family.samples}
    assert {f"{LATENCY}_bucket", "observe_info", "observe_scrape_incomplete"} <= names


def test_openmetrics_carries_the_trace_of_an_observation_in_its_bucket() -> None:
    page = scrape(HTTP_ACCEPT=OPENMETRICS).content.decode()
    families = parse_openmetrics(page)  # type: ignore[no-untyped-call]
    found = {
        sample.labels["le"]: sample.exemplar
        for family in families
        for sample in family.samples
        if sample.name == f"{LATENCY}_bucket" and sample.labels["view"] == "page" and sample.exemplar
    }
    assert set(found) == {"0.25"}
    assert found["0.25"].labels == {"trace_id": TRACE_ID}
    assert found["0.25"].value == 0.2


def test_plain_text_carries_no_exemplars() -> None:
    assert TRACE_ID not in scrape().content.decode()


def test_an_observation_without_a_sampled_trace_leaves_no_exemplar() -> None:
    trace = TraceContext("f" * 32, "b7ad6b7169203331", sampled=False)
    for number, given in enumerate((trace, None)):
        metrics.report(
            Exchange(
                correlation_id="0123456789",
                trace=given,
                method="GET",
                path="/",
                view=f"untraced-{number}",
                status=200,
                seconds=0.2,
            )
        )
    lines = scrape(HTTP_ACCEPT=OPENMETRICS).content.decode().splitlines()
    untraced = [line for line in lines if "untraced" in line]
    assert untraced
    assert not [line for line in untraced if " # " in line]


class Broken:
    """A project's own collector, whose database is down."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield Metric("before_the_fault", "", "gauge")
        raise ConnectionError


def test_a_family_that_cannot_be_encoded_or_collected_is_left_out_and_counted() -> None:
    poisoned = Counter("poisoned_total", "A project's own.", ["name"])
    poisoned.labels("x\ud800").inc()
    broken = Broken()
    REGISTRY.register(broken)
    before = reporting.failures().get("exposition", 0)
    try:
        for accept in ("", OPENMETRICS):
            answer = scrape(HTTP_ACCEPT=accept)
            assert answer.status_code == 200
            assert b"poisoned_total{" not in answer.content
            assert f"{LATENCY}_count".encode() in answer.content
        assert reporting.failures()["exposition"] == before + 4
    finally:
        REGISTRY.unregister(poisoned)
        REGISTRY.unregister(broken)


@pytest.mark.parametrize(("several", "value"), [(True, b"1.0"), (False, b"0.0")])
def test_one_of_several_processes_says_that_its_page_is_not_all(several: bool, value: bytes) -> None:
    body, _ = exposition.render("", several=several)
    assert b"observe_scrape_incomplete " + value in body
    assert b"-c python:django_observe.gunicorn" in body


@override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop", "VERSION": "1.2", "ENVIRONMENT": "test"})
def test_the_page_says_which_service_it_is_of() -> None:
    assert b'observe_info{environment="test",service="shop",version="1.2"} 1.0' in scrape().content


@override_settings(DJANGO_OBSERVE={"METRICS": False})
def test_there_is_no_page_where_metrics_are_off() -> None:
    assert scrape().status_code == 404


def test_one_asgi_process_is_not_taken_for_several() -> None:
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": [], "client": ("127.0.0.1", 1)}
    request = ASGIRequest(scope, BytesIO())
    assert request.META["wsgi.multiprocess"] is True
    assert b"\nobserve_scrape_incomplete 0.0\n" in exposition.page(request).content
