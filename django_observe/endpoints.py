"""The paths this package answers itself, before URL resolution: /metrics, /healthz and /readyz by default."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from django_observe import conf, exposition, health
from django_observe.reporting import guard

Endpoint = Callable[[HttpRequest], HttpResponse]


def endpoint(request: HttpRequest) -> Endpoint | None:
    """Our answer that `request` asks for, if one; a path that the project itself routes stays its own."""
    settings, path = conf.settings(), request.path_info
    if path == settings.live_path:
        found: Endpoint = health.live
    elif path == settings.ready_path:
        found = health.ready
    elif path == settings.metrics_path:
        found = exposition.page
    else:
        return None
    return None if _project_routes(path, conf.urlconf()) else found


async def answer(found: Endpoint, request: HttpRequest) -> HttpResponse:
    """Answers in an async stack: what may wait runs in a thread, the liveness answer does not."""
    if found is health.live:
        return found(request)
    return await sync_to_async(found, thread_sensitive=False)(request)


@lru_cache(maxsize=64)
def _project_routes(path: str, urlconf: str) -> bool:
    """Whether the project has a route spelled exactly like `path`; a catch-all pattern does not count."""
    with guard("endpoints"):
        try:
            match = resolve(path, urlconf)
        except Resolver404:
            return False
        return bool(str(match.route).strip("^$/") == path.strip("/"))
    return False
