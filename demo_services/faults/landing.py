"""`/` of each service: a page for browsers, JSON for all others; and the page's style sheet."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Engine
from django.urls import URLPattern, path

from demo_services.faults.board import board
from demo_services.faults.views import switchboard
from django_observe import conf

HERE = Path(__file__).resolve().parent
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Landing:
    """What a service is for and where its parts are, by name."""

    def __init__(self, purpose: str, parts: dict[str, str]) -> None:
        self._purpose = purpose
        self._parts = parts

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the page if the caller asks for HTML by name, as browsers do."""
        document = self._document(request)
        if "text/html" not in request.headers.get("Accept", ""):
            response: HttpResponse = JsonResponse(document)
        else:
            response = HttpResponse(_page().render(Context(self._words(request, document))))
            response["Content-Security-Policy"] = POLICY
        response["Cache-Control"] = "no-store"
        response["Vary"] = "Accept"
        return response

    def _document(self, request: HttpRequest) -> dict[str, Any]:
        known = conf.settings()
        links = {name: request.build_absolute_uri(f"/{part}") for name, part in self._parts.items()}
        return {
            "service": known.service_name,
            "version": known.version,
            "environment": known.environment,
            "links": links,
            "faults": board().values(),
        }

    def _words(self, request: HttpRequest, document: dict[str, Any]) -> dict[str, Any]:
        on = board().values()
        switches = board().switches.accepted().items()
        return {
            **document,
            "instance": board().instance,
            "purpose": self._purpose,
            "allowed": board().allowed,
            "here": request.build_absolute_uri("/faults"),
            "on": bool(on),
            "switches": [(key, _shown(on.get(key)), accepted) for key, accepted in switches],
            "tools": _tools(document["service"]),
        }


def pages(purpose: str, parts: dict[str, str]) -> list[URLPattern]:
    """The URLs of a service that no fault touches: its landing page and its switches."""
    return [
        path("", Landing(purpose, parts)),
        path("faults", switchboard),
        path("faults/landing.css", style),
    ]


def style(_request: HttpRequest) -> HttpResponse:
    """The style sheet; served from here, so that there is nothing to collect."""
    response = HttpResponse(HERE.joinpath("landing.css").read_bytes(), content_type="text/css")
    response["Cache-Control"] = "max-age=60"
    return response


@lru_cache(maxsize=1)
def _page() -> Any:
    return Engine(dirs=[str(HERE)]).get_template("landing.html")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value) if isinstance(value, list) else value or ""


def _tools(service: str) -> dict[str, str]:
    """Where this service's telemetry is looked at, as far as the environment says."""
    tools = {}
    if console := os.environ.get("CONSOLE_URL"):
        tools["Console"] = console
    if grafana := os.environ.get("GRAFANA_URL"):
        query = urlencode({"var-service": service})
        tools["Grafana"] = f"{grafana.rstrip('/')}/d/observe-service?{query}"
    return tools
