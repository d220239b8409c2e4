"""Our own paths: answered before URL resolution, movable, switchable, and never taken from the project."""

from __future__ import annotations

import asyncio

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path, re_path

from django_observe import exposition, health
from django_observe.testing import Captured

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True, databases="__all__")]


def own(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the project's")


urlpatterns = [re_path(r"^.*$", own)]


class with_its_own_probe:  # noqa: N801 - a URLconf
    urlpatterns = (path("healthz", own),)


@pytest.mark.parametrize("where", ["/healthz", "/readyz", "/metrics"])
def test_our_paths_are_answered_though_a_catch_all_exists(where: str) -> None:
    response = Client().get(where)
    assert response.status_code == 200
    assert b"the project's" not in response.content
    assert response["X-Correlation-ID"]


@pytest.mark.parametrize("where", ["/healthz", "/readyz", "/metrics"])
def test_the_same_in_async(where: str) -> None:
    response = asyncio.run(AsyncClient().get(where))
    assert response.status_code == 200
    assert b"the project's" not in response.content


@override_settings(ROOT_URLCONF=with_its_own_probe)
def test_a_path_that_the_project_routes_stays_its_own() -> None:
    assert Client().get("/healthz").content == b"the project's"


class routed_by_hand:  # noqa: N801 - a URLconf
    urlpatterns = (path("internal/metrics", exposition.page), path("internal/ready", health.ready))


@override_settings(ROOT_URLCONF=routed_by_hand, DJANGO_OBSERVE={"METRICS_PATH": None, "READY_PATH": None})
def test_a_project_may_route_our_pages_itself() -> None:
    assert b"django_http_requests" in Client().get("/internal/metrics").content
    assert Client().get("/internal/ready").json()["status"] == "ok"
    assert Client().get("/metrics").status_code == 404


@override_settings(DJANGO_OBSERVE={"METRICS_ALLOW": [], "LOG_FORMAT": "json"})
def test_an_answer_of_ours_that_is_a_refusal_is_told_under_its_path(captured: Captured) -> None:
    assert Client().get("/metrics").status_code == 404
    (exchange,) = captured.requests()
    assert (exchange.status, exchange.route) == (404, "/metrics")


@override_settings(DJANGO_OBSERVE={"LIVE_PATH": "/livez", "METRICS_PATH": None})
def test_paths_are_settings() -> None:
    assert b"ok" in Client().get("/livez").content
    assert Client().get("/healthz").content == b"the project's"
    assert Client().get("/metrics").content == b"the project's"
