"""What a project's objects say of a request: one that raises when it is asked costs its own fields alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NoReturn, cast
from unittest.mock import Mock

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path, resolve

from django_observe import reporting, requestfields
from django_observe.testing import captured
from django_observe.vocabulary import UNMATCHED_ROUTE

pytestmark = pytest.mark.urls(__name__)

ADA = SimpleNamespace(pk=7)


class Untold:
    """Has neither a key nor a text: a user of a tenant that is gone, a template that was never found."""

    @property
    def pk(self) -> NoReturn:
        raise LookupError("no such tenant")

    def __str__(self) -> str:
        raise LookupError("no such text")


def user_and_error(request: HttpRequest) -> HttpResponse:
    cast("Any", request).user = Untold()
    raise ValueError("no such luck")


def match(request: HttpRequest, name: str) -> HttpResponse:
    cast("Any", request).user = ADA
    request.resolver_match = Mock()
    return HttpResponse(name)


def template(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("text")
    cast("Any", response).template_name = Untold()
    return response


urlpatterns = [
    path("user/<int:number>/", lambda request, number: user_and_error(request), name="user"),
    path("match/<str:name>/", match),
    path("template/", template),
]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reporting, "_failures", Counter())
    with override_settings(DJANGO_OBSERVE={"USER_ID": "id"}):
        yield


def test_a_user_that_raises_costs_a_500_neither_line_nor_metric_nor_span() -> None:
    with captured() as telemetry:
        Client(raise_request_exception=False).get("/user/17/")
    [line] = [line for line in telemetry.lines if line.get("event") == "request"]
    assert (line["route"], line["status"], line["error_type"]) == ("user/<int:number>/", 500, "ValueError")
    assert "user_id" not in line
    assert telemetry.sample("django_http_responses_total_by_status_total", status="500") == 1
    [span] = telemetry.spans
    assert (span.name, (span.attributes or {})["http.route"]) == (f"GET {line['route']}", line["route"])


def test_a_match_that_is_a_mock_costs_the_route_and_the_plain_path_stays() -> None:
    with captured() as telemetry:
        Client().get("/match/ada@example.com/")
    [told] = telemetry.requests()
    assert (told.route, told.matched, told.path) == (UNMATCHED_ROUTE, False, "/match/<segment>/")
    assert (told.user_id, told.charset) == ("7", "utf-8")


def test_a_template_without_a_text_costs_its_name_alone() -> None:
    with captured() as telemetry:
        Client().get("/template/")
    [told] = telemetry.requests()
    assert (told.route, told.template, told.charset) == ("template/", None, "utf-8")


def test_what_is_read_one_by_one_is_what_is_read_at_once() -> None:
    request, response = RequestFactory().get("/user/17/"), HttpResponse("text")
    cast("Any", request).user, cast("Any", response).template_name = ADA, "shop/page.html"
    request.resolver_match = resolve(request.path)
    at_once, one_by_one = {"own": False}, {"own": False}
    requestfields.add(at_once, request, response)
    requestfields.add_what_can_be_read(one_by_one, request, response)
    assert at_once == one_by_one
    assert {"path": "/user/17/", "user_id": "7", "template": "shop/page.html"}.items() <= at_once.items()
