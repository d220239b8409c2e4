"""The routes, a module of views for each group of rows."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    """What is asked until the server is up."""
    return HttpResponse("up")


urlpatterns = [
    path("", home),
    path("celery/<slug:scenario>/", include("tests.conformance.project.publishing")),
]
