"""The routes, a module of views for each group of rows."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.conformance.project import canvas, troublepublishing  # noqa: F401 - their scenarios


def home(request: HttpRequest) -> HttpResponse:
    """What is asked until the server is up."""
    return HttpResponse("up")


urlpatterns = [
    path("", home),
    path("in/", include("tests.conformance.project.incoming")),
    path("answers/", include("tests.conformance.project.answers")),
    path("out/", include("tests.conformance.project.outgoing")),
    path("django/", include("tests.conformance.project.views")),
    path("concurrency/", include("tests.conformance.project.concurrency")),
    path("crowd/", include("tests.conformance.project.crowd")),
    path("messages/", include("tests.conformance.project.messages")),
    path("channels/", include("tests.conformance.project.consumers")),
    path("commands/", include("tests.conformance.project.commands")),
    path("celery/<slug:scenario>/", include("tests.conformance.project.publishing")),
]
