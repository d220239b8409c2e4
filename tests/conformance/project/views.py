"""Views of the group Django: every kind of view, and what Django runs around it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.contrib.auth.models import User
from django.core.signals import got_request_exception
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import include, path
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page

from tests.conformance.project.witness import witness


def plain(request: HttpRequest) -> HttpResponse:
    witness(request.GET["key"], "view")
    return HttpResponse("plain")


async def aplain(request: HttpRequest) -> HttpResponse:
    witness(request.GET["key"], "before")
    await asyncio.sleep(0)
    witness(request.GET["key"], "view")
    return HttpResponse("plain")


class ClassBased(View):
    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        witness(request.GET["key"], "setup")

    def get(self, request: HttpRequest) -> HttpResponse:
        return plain(request)


class AsyncClassBased(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await aplain(request)


async def aslow(request: HttpRequest) -> HttpResponse:
    """Longer than its client waits."""
    witness(request.GET["key"], "view")
    try:
        await asyncio.sleep(5)
    finally:
        witness(request.GET["key"], "end")
    return HttpResponse("slow")


def slow(request: HttpRequest) -> HttpResponse:
    witness(request.GET["key"], "view")
    time.sleep(0.3)
    witness(request.GET["key"], "end")
    return HttpResponse("slow")


@gzip_page
@conditional_page
def large(request: HttpRequest) -> HttpResponse:
    """Large enough to be worth compressing, and the same each time."""
    witness(request.GET["key"], "view")
    return HttpResponse("large " * 1_000)


@cache_page(60)
def cached(request: HttpRequest) -> HttpResponse:
    return plain(request)


def template(request: HttpRequest) -> HttpResponse:
    """Rendered when the view has returned; settings.py has the template, templatetags.py its tag."""
    return TemplateResponse(request, "page.html", {"key": request.GET["key"]})


def on_commit(request: HttpRequest) -> HttpResponse:
    key = request.GET["key"]
    with transaction.atomic():
        User.objects.create_user(key)
        transaction.on_commit(lambda: witness(key, "on_commit"))
        transaction.on_commit(lambda: witness(key, "robust"), robust=True)
    return HttpResponse("committed")


def rollback(request: HttpRequest) -> HttpResponse:
    key = request.GET["key"]
    with transaction.atomic():
        User.objects.create_user(key)
        transaction.on_commit(lambda: witness(key, "on_commit"))
        witness(key, "view")
        raise LookupError("no such luck")


def users(request: HttpRequest) -> HttpResponse:
    """How many users bear the key as their name."""
    return JsonResponse(User.objects.filter(username=request.GET["key"]).count(), safe=False)


def signals(request: HttpRequest) -> HttpResponse:
    """Its receivers say what they run under: those below, and those of exchange.py."""
    User.objects.create_user(request.GET["key"])
    raise LookupError("no such luck")


@receiver(post_save, sender=User)
def on_save(instance: Any, **_: Any) -> None:
    witness(instance.username, "post_save")


@receiver(got_request_exception)
def on_exception(request: HttpRequest, **_: Any) -> None:
    if "key" in request.GET:
        witness(request.GET["key"], "got_request_exception")


urlpatterns = [
    path("sync/", plain),
    path("async/", aplain),
    path("slow-sync/", slow),
    path("slow-async/", aslow),
    path("class/", ClassBased.as_view()),
    path("aclass/", AsyncClassBased.as_view()),
    path("large/", large),
    path("cached/", cached),
    path("template/", template),
    path("on_commit/", on_commit),
    path("rollback/", rollback),
    path("users/", users),
    path("signals/", signals),
    path("hooks/", include("tests.conformance.project.hooks")),
    path("rest/", include("tests.conformance.project.rest")),
    path("streams/", include("tests.conformance.project.streams")),
]
