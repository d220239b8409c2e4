"""Views that enqueue a background task by its name, and say what is bound before and after."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from opentelemetry.context import get_current

from tests.conformance.project import backgroundtasks
from tests.conformance.project.witness import witness


def home(request: HttpRequest) -> HttpResponse:
    """What is asked until the server is up."""
    return HttpResponse("up")


def enqueue(request: HttpRequest, name: str, backend: str) -> HttpResponse:
    """Answers the result's id and what its arguments look like."""
    key, before = request.GET["key"], get_current()
    witness(key, "view")
    task = getattr(backgroundtasks, name).using(
        backend=backend, queue_name=request.GET.get("queue", "default")
    )
    result = task.enqueue(key=key)
    witness(key, "after", changed=before != get_current())
    return JsonResponse({"id": result.id, "args": result.args, "kwargs": result.kwargs})


async def aenqueue(request: HttpRequest, name: str, backend: str) -> HttpResponse:
    """The same without blocking."""
    key, before = request.GET["key"], get_current()
    witness(key, "view")
    result = await getattr(backgroundtasks, name).using(backend=backend).aenqueue(key=key)
    witness(key, "after", changed=before != get_current())
    return JsonResponse({"id": result.id, "args": result.args, "kwargs": result.kwargs})


def outcome(request: HttpRequest) -> HttpResponse:
    """What the database has of a result, arguments and all."""
    from django_tasks_db.models import DBTaskResult

    columns = ("status", "args_kwargs", "return_value", "exception_class_path")
    return JsonResponse(DBTaskResult.objects.values(*columns).get(id=request.GET["id"]))


urlpatterns = [
    path("", home),
    path("outcome/", outcome),
    path("enqueue/<name>/<backend>/", enqueue),
    path("aenqueue/<name>/<backend>/", aenqueue),
]
