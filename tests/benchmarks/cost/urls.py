"""The views that are measured: JSON, three queries, one call to a service beside, a stream; and async."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path

from tests.benchmarks.cost.configurations import NEIGHBOUR

if TYPE_CHECKING:
    import requests


def json(request: HttpRequest, number: int) -> JsonResponse:
    return JsonResponse({"number": number, "items": list(range(5))})


def orm(request: HttpRequest, number: int) -> JsonResponse:
    first = Group.objects.filter(pk=1).first()
    found = {
        "first": first.name if first else None,
        "count": Group.objects.count(),
        "exists": Group.objects.filter(name=f"group {number}").exists(),
    }
    return JsonResponse(found)


def outbound(request: HttpRequest, number: int) -> JsonResponse:
    answer = _session().get(f"{os.environ[NEIGHBOUR]}/stock/{number}/", timeout=10)
    return JsonResponse({"status": answer.status_code, "stock": answer.json()})


def stream(request: HttpRequest, number: int) -> StreamingHttpResponse:
    return StreamingHttpResponse(_chunks(number), content_type="text/plain")


async def asynchronous(request: HttpRequest, number: int) -> JsonResponse:
    return JsonResponse({"number": number, "items": list(range(5))})


@lru_cache(maxsize=1)
def _session() -> requests.Session:
    """Kept, as its connections are; imported with the first call, as no other view needs it."""
    import requests

    return requests.Session()


def _chunks(number: int) -> Iterator[str]:
    for chunk in range(20):
        yield f"{number} {chunk}\n"


urlpatterns = [
    path("json/<int:number>/", json),
    path("orm/<int:number>/", orm),
    path("outbound/<int:number>/", outbound),
    path("stream/<int:number>/", stream),
    path("async/<int:number>/", asynchronous),
]
