"""A middleware of the project with every hook there is, for the routes below."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

from tests.conformance.project.witness import witness

ROUTE = "/django/hooks/"


class Hooks(MiddlewareMixin):
    """Says at each hook what it runs under; answers what the view raises."""

    def process_request(self, request: HttpRequest) -> None:
        _told(request, "process_request")

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        _told(request, "process_view")

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        _told(request, "process_template_response")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if _told(request, "process_exception"):
            return HttpResponse(str(exception), status=409)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        _told(request, "process_response")
        return response


def _told(request: HttpRequest, place: str) -> bool:
    told = request.path.startswith(ROUTE)
    if told:
        witness(request.GET["key"], place)
    return told


def page(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "page.html", {"key": request.GET["key"]})


def conflict(request: HttpRequest) -> HttpResponse:
    raise LookupError("no such luck")


urlpatterns = [path("page/", page), path("conflict/", conflict)]
