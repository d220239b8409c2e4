"""Routes of regular expressions as lines, spans and records tell them: as templates, where they have one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ViewSet

from django_observe import routetext
from django_observe.testing import captured


class Orders(ViewSet):
    def list(self, request: Any, **_: Any) -> Response:
        return Response([])

    def retrieve(self, request: Any, pk: str, **_: Any) -> Response:
        logging.getLogger("shop").warning("order %s", pk)
        return Response({"pk": pk})


router = DefaultRouter()
router.register("orders", Orders, basename="order")
urlpatterns = [path("api/", include(router.urls))]


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("api/orders/$", "api/orders/"),
        ("api/orders/(?P<pk>[^/.]+)/$", "api/orders/<pk>/"),
        (r"api/orders\.(?P<format>[a-z0-9]+)/?$", "api/orders.<format>/"),
        (r"^archive/(?P<year>[0-9]{4})/(?P<slug>[\w\])(-]+)\Z", "archive/<year>/<slug>"),
        (r"shop/<int:pk>/^edit\-all/$", "shop/<int:pk>/edit-all/"),
        (r"^$", "/"),
        ("", ""),
        ("orders/<uuid:pk>/", "orders/<uuid:pk>/"),
        *((each, each) for each in (r"^a/(b|c)/$", r"^.*$", r"^(?:x/)?(?P<pk>\d+)$", r"^(?P<a>(x|y))/$")),
        *((each, each) for each in (r"^v\d+/$", r"^a+/$", r"^orders/?(?P<pk>\d+)$", r"^[ab]/$")),
    ],
)
def test_a_route_is_told_as_a_template_where_it_is_one(route: str, told: str) -> None:
    assert routetext.told(route) == told


@pytest.mark.parametrize(
    ("asked", "route", "shown"),
    [
        ("/api/orders/", "api/orders/", "/api/orders/"),
        ("/api/orders/17/", "api/orders/<pk>/", "/api/orders/17/"),
        ("/nowhere/ann@example.org/", "unmatched", "/nowhere/<segment>/"),
        ("/api/orders/ann/", "api/orders/<pk>/", "/api/orders/<pk>/"),
    ],
)
def test_rest_frameworks_routes_in_line_record_and_span(asked: str, route: str, shown: str) -> None:
    """The path is explained by the regular expression, as before."""
    with override_settings(ROOT_URLCONF=__name__), captured() as telemetry:
        Client().get(asked)
    [request], [span] = telemetry.requests(), telemetry.spans
    [line] = [each for each in telemetry.lines if each.get("event") == "request"]
    assert (request.route, line["route"], span.name) == (route, route, f"GET {route}")
    assert (span.attributes or {}).get("http.route", "unmatched") == route
    assert (line["path"], (span.attributes or {})["url.path"]) == (shown, shown)
