"""Views that publish: one scenario of the group Celery each, by name, to the queue that is asked for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from tests.conformance.project.tasks import tell

Scenario = Callable[[str, str], object]
SCENARIOS: dict[str, Scenario] = {}
"""By name: a function of the row's key and of the queue; what it answers goes back as JSON."""


def scenario(publish: Scenario) -> Scenario:
    """Adds a scenario under its function's name."""
    SCENARIOS[publish.__name__] = publish
    return publish


@scenario
def apply_async(key: str, queue: str) -> object:
    return tell.apply_async(kwargs={"key": key}, queue=queue).id


def publish(request: HttpRequest, scenario: str) -> HttpResponse:
    """Runs the scenario."""
    return JsonResponse(SCENARIOS[scenario](request.GET["key"], request.GET["queue"]), safe=False)


urlpatterns = [path("", publish)]
