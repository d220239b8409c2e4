"""Views of the group in: what a request brought along, and what goes on from here."""

from __future__ import annotations

import requests
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.conformance.project.witness import witness


def taken(request: HttpRequest) -> HttpResponse:
    witness(request.GET["key"], "view")
    return HttpResponse("taken")


def forward(request: HttpRequest) -> HttpResponse:
    """Calls the `url` it is given."""
    witness(request.GET["key"], "view")
    requests.get(request.GET["url"], timeout=10)
    return HttpResponse("forwarded")


urlpatterns = [path("", taken), path("forward/", forward)]
