"""Views of the group answers: one for every way in which a view's work can end."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST


def fine(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fine")


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


@require_POST
def posted(request: HttpRequest) -> HttpResponse:
    return HttpResponse("posted")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the view is broken")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("not like that")


urlpatterns = [
    path("fine/", fine),
    path("empty/", empty),
    path("posted/", posted),
    path("broken/", broken),
    path("forbidden/", forbidden),
    path("suspicious/", suspicious),
]
