"""The requests in flight: each is told once, by whoever comes first, in the process that serves it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from django_observe import abort, inflight, openwebsockets, reporting
from django_observe.middleware import ObserveMiddleware
from django_observe.records import Exchange, Record
from django_observe.tally import Tally


@pytest.fixture(autouse=True)
def _alone() -> None:
    """What other tests have left unanswered is nothing to these."""
    inflight._entries.clear()


@pytest.fixture
def told() -> Iterator[list[Exchange]]:
    """The requests that a reporter is told of."""
    kept: list[Exchange] = []

    def remember(record: Record) -> None:
        if isinstance(record, Exchange):
            kept.append(record)

    before = reporting.reporters()
    reporting.set_reporters((remember,))
    yield kept
    reporting.set_reporters(before)


def served(view: Any) -> HttpResponse:
    response = ObserveMiddleware(view)(RequestFactory().get("/ok/"))
    assert isinstance(response, HttpResponse)
    return response


def test_a_request_that_was_given_up_is_told_once_with_where_it_stood(told: list[Exchange]) -> None:
    def stuck(request: HttpRequest) -> HttpResponse:
        inflight.give_up_all("the server's reason")
        return HttpResponse("after all")

    assert served(stuck).content == b"after all"
    (exchange,) = told
    assert (exchange.aborted, exchange.status) == (True, 500)
    assert exchange.failure is not None
    assert exchange.failure.message == "the server's reason"
    assert "in stuck\n" in exchange.failure.stack
    assert not inflight.any_left()


def test_a_child_that_a_view_forks_serves_no_request(told: list[Exchange]) -> None:
    def forks(request: HttpRequest) -> HttpResponse:
        if not (pid := os.fork()):
            os._exit(int(inflight.any_left()))
        return HttpResponse(str(os.waitpid(pid, 0)[1]))

    assert served(forks).content == b"0"
    assert len(told) == 1


def test_a_request_that_nobody_holds_is_in_flight_no_more() -> None:
    entry = inflight.entered(Forgotten())
    gc.collect()
    assert not inflight.any_left()
    assert not inflight.left(entry)


class Forgotten:
    """A request whose server has lost it."""

    thread = 0
    tally = Tally()

    def give_up(self, error: BaseException) -> None:
        raise AssertionError(error)


def test_a_deadline_of_the_views_reaches_it_and_the_request_is_told(told: list[Exchange]) -> None:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("too late")

    def interrupted(record: Record) -> None:
        if isinstance(record, Exchange):
            signal.raise_signal(signal.SIGUSR1)

    reporting.set_reporters((interrupted, *reporting.reporters()))
    before = signal.signal(signal.SIGUSR1, late)
    try:
        with pytest.raises(TimeoutError, match="too late"):
            served(lambda request: HttpResponse("ok"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(told) == 1
    assert not inflight.any_left()


def test_a_worker_that_is_ended_tells_its_requests_and_websockets(told: list[Exchange]) -> None:
    ended: list[BaseException | None] = []

    class Socket:
        def end(self, error: BaseException | None) -> None:
            ended.append(error)

    def stuck(request: HttpRequest) -> HttpResponse:
        abort.tell_beside()
        return HttpResponse("after all")

    openwebsockets.add(Socket())
    served(stuck)
    assert [exchange.aborted for exchange in told] == [True]
    assert ended == [None]


def test_of_requests_that_share_a_thread_the_interrupted_one_is_told_first_and_alone_has_its_stack(
    told: list[Exchange],
) -> None:
    async def asleep(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(60)
        return HttpResponse()

    async def blocking(request: HttpRequest) -> HttpResponse:
        abort.tell_beside()
        return HttpResponse("after all")

    async def serve() -> None:
        views = [asleep] * 5 + [blocking]
        tasks = [asyncio.ensure_future(_asked(view)) for view in views]
        await tasks[-1]
        for task in tasks:
            task.cancel()

    asyncio.run(serve())
    stacks = [exchange.failure.stack for exchange in told if exchange.failure]
    assert [("in blocking" in stack, "in asleep" in stack) for stack in stacks] == [(True, False)] + 5 * [
        (False, False)
    ]


async def _asked(view: Any) -> None:
    await cast(Any, ObserveMiddleware(view)(AsyncRequestFactory().get("/ok/")))
