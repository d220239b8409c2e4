"""A service that keeps the canary, which arrives sampled, and none of the traces that begin in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from django_observe.doctor import serviceexport, servicesampling
from django_observe.doctor.backends import Backends
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import NOT_CONFIGURED, OK
from tests.console.running import Console, running
from tests.doctor.running import SHARED, delivered, environment, gunicorn
from tests.doctor.serving import proxy
from tests.processes import get, wait_until


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def shop(console: Console) -> Iterator[str]:
    """Its sampler keeps what a caller has sampled, and nothing else."""
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    export = {"OTEL_EXPORTER_OTLP_ENDPOINT": console.otlp, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with gunicorn({**environment({"ALLOWED_HOSTS": ["127.0.0.1"]}), **sampler, **export}, *SHARED) as url:
        yield url


@pytest.fixture
def canary(shop: str, sent: Canary, console: Console, monkeypatch: pytest.MonkeyPatch) -> Canary:
    """Taken by the service, arrived in the console, and in the service's books: no span is on its way."""
    monkeypatch.setattr(servicesampling, "QUIET_SECONDS", 0.0)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", console.otlp)
    before = spans(shop)
    get(f"{shop}/ok/", headers={"traceparent": sent.traceparent})
    wait_until(lambda: spans(shop) == before + 1, "the canary's span in the service's books")
    wait_until(lambda: console.spans(sent.trace_id), "the canary's span")
    known = Backends(console=console.pages, given=frozenset({"console"}))
    return replace(sent, is_recorded=True, answered={shop: sent.correlation_id}, backends=known)


def spans(shop: str) -> float:
    """How many the service has exported."""
    return delivered(shop).get("traces", 0.0)


def test_a_sampler_that_drops_what_begins_in_the_service(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within five times what an export takes, as long as nothing is exported."""
    monkeypatch.setattr(serviceexport, "WAIT_SECONDS", 0.5)
    for one in (canary, replace(canary, backends=Backends())):
        [found] = servicesampling.examine(one)
        assert (found.state, "kept nothing of one trace that began there" in found.says) == (
            NOT_CONFIGURED,
            True,
        )


def test_a_trace_that_is_kept(canary: Canary, shop: str) -> None:
    """As its proxy has every request sampled."""
    with proxy(shop, adding={"traceparent": f"00-{'5' * 32}-{'6' * 16}-01"}) as before:
        at_proxy = replace(canary, answered={before.url: canary.correlation_id}, backends=Backends())
        [found] = servicesampling.examine(at_proxy)
    assert found.state == OK


def test_who_exports_nothing_is_not_asked(canary: Canary) -> None:
    for one in (replace(canary, is_recorded=False), replace(canary, answered={})):
        assert list(servicesampling.examine(one)) == []
