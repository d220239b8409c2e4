"""The ID on pages for people: what the how-to shows is rendered, where Django gives a template nothing."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as ApiRequest

from django_observe import correlated, correlation, correlation_id
from django_observe.middleware import ObserveMiddleware

PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/error-page.md"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{re.escape(language)}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return list(map(textwrap.dedent, found))


ERROR, ELSEWHERE = blocks("html+django")

pytestmark = pytest.mark.urls(__name__)


def boom(request: HttpRequest) -> HttpResponse:
    raise ValueError("out of stock")


async def aboom(request: HttpRequest) -> HttpResponse:
    raise ValueError("out of stock")


def page(request: HttpRequest) -> HttpResponse:
    assert request.correlation_id == correlation_id()  # type: ignore[attr-defined]
    return render(request, "404.html")


@api_view()
@renderer_classes([JSONRenderer])
def api(request: ApiRequest) -> HttpResponse:
    if "refused" in request.query_params:
        raise ValidationError(["no such size"])
    raise NotFound("no such order") if "absent" in request.query_params else ValueError("out of stock")


def with_correlation_id(error: Exception, context: Any) -> Any:
    """REST framework's handler of exceptions, as the page has it."""
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)  # noqa: S102 - our own page
    return names["with_correlation_id"](error, context)


urlpatterns = [path("boom/", boom), path("aboom/", aboom), path("page/", page), path("api/", api)]


@pytest.fixture(autouse=True)
def templates(tmp_path: Path) -> Any:
    (tmp_path / "500.html").write_text(ERROR)
    (tmp_path / "404.html").write_text(ELSEWHERE)
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [tmp_path],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
    with override_settings(TEMPLATES=[engine]):
        yield


def shown(response: Any) -> list[str]:
    return re.findall(r"<code>(.*)</code>", response.content.decode())


@pytest.mark.parametrize("target", ["/boom/", "/aboom/", "/api/"])
def test_the_error_page_shows_the_id_of_the_answers_header(target: str) -> None:
    response = Client(raise_request_exception=False).get(target)
    assert response.status_code == 500
    assert shown(response) == [response["X-Correlation-ID"]]


def test_the_error_page_of_an_async_stack_shows_it_too() -> None:
    async def answer() -> Any:
        return await AsyncClient(raise_request_exception=False).get("/aboom/")

    response = async_to_sync(answer)()
    assert shown(response) == [response["X-Correlation-ID"]]


@override_settings(REST_FRAMEWORK={"EXCEPTION_HANDLER": f"{__name__}.with_correlation_id"})
def test_an_error_that_rest_framework_handles_has_it_in_its_json() -> None:
    response = Client().get("/api/?absent")
    assert response.status_code == 404
    assert response.json() == {"detail": "no such order", "correlation_id": response["X-Correlation-ID"]}


@override_settings(REST_FRAMEWORK={"EXCEPTION_HANDLER": f"{__name__}.with_correlation_id"})
def test_a_list_of_errors_is_put_beside_it() -> None:
    response = Client().get("/api/?refused")
    assert response.status_code == 400
    assert response.json() == {
        "detail": ["no such size"],
        "correlation_id": response["X-Correlation-ID"],
    }


@pytest.mark.parametrize("target", ["/page/", "/nowhere/"])
def test_other_pages_have_it_from_the_request(target: str) -> None:
    response = Client().get(target)
    assert shown(response) == [response["X-Correlation-ID"]]


def test_outside_of_a_request_the_tag_says_what_is_current_or_nothing() -> None:
    template = Template("{% load observe %}<code>{% correlation_id %}</code>")
    assert template.render(Context()) == "<code></code>"
    with correlated("order-4711"):
        assert template.render(Context()) == "<code>order-4711</code>"


def test_what_another_library_left_as_an_id_is_no_html() -> None:
    token = correlation.bind("<script>")
    try:
        shown = Template("{% load observe %}{% correlation_id %}").render(Context())
    finally:
        correlation.reset(token)
    assert shown == "&lt;script&gt;"


class Request(WSGIRequest):
    """As a project may have one."""

    @property
    def correlation_id(self) -> str:
        return "its own"


def test_a_request_class_with_a_property_of_that_name_is_observed_all_the_same() -> None:
    request = Request(RequestFactory().get("/page/").environ)
    response = ObserveMiddleware(lambda _: HttpResponse(correlation_id()))(request)
    assert isinstance(response, HttpResponse)
    assert response.content.decode() == response["X-Correlation-ID"] != request.correlation_id == "its own"
