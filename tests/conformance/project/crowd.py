"""Views of the group concurrency that many requests are in at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.conformance.project.concurrency import work
from tests.conformance.project.kit import correlation_id

CROWD = 200
"""Requests that are open at once."""

PATIENCE = 15
"""Seconds that they wait for one another."""

shared = ThreadPoolExecutor(2)
met = Barrier(CROWD)


def crowd(request: HttpRequest) -> HttpResponse:
    """Works when all are in; they share a pool."""
    met.wait(PATIENCE)
    shared.submit(work, request.GET["key"]).result()
    return HttpResponse(correlation_id())


class Crowd:
    """The same for tasks: Python 3.10's asyncio has no barrier."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def meet(self) -> None:
        """Goes on when the last one is in."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        if len(self._waiting) == CROWD:
            for each in self._waiting:
                each.set_result(None)
            self._waiting.clear()
        await asyncio.wait_for(mine, PATIENCE)


amet = Crowd()


async def acrowd(request: HttpRequest) -> HttpResponse:
    await amet.meet()
    await asyncio.get_running_loop().run_in_executor(shared, work, request.GET["key"])
    return HttpResponse(correlation_id())


urlpatterns = [path("sync/", crowd), path("async/", acrowd)]
