"""Requests that are none of ours: mocks, proxies that raise, things that have every attribute."""

from __future__ import annotations

import logging
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_observe import correlated
from django_observe.json import document
from django_observe.logcontext import ContextFilter
from django_observe.loghandler import is_duplicate
from django_observe.middleware import ObserveMiddleware
from django_observe.requestmark import observation_of


class Unbound:
    """A proxy without what it stands for."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("outside of a request")


class Addict(dict[str, Any]):
    """A dict that has every attribute."""

    def __getattr__(self, name: str) -> Any:
        return Addict()


STRANGE = [Unbound(), Mock(), MagicMock(), Addict(), "GET /", 5]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> logging.LogRecord:
    attributes = {"name": "django.request", "msg": "x", "levelno": logging.WARNING, "request": request.param}
    return logging.makeLogRecord(attributes)


@pytest.mark.parametrize("record", STRANGE, indirect=True, ids=lambda value: type(value).__name__)
def test_a_line_about_a_strange_request_is_kept_under_the_current_id(record: logging.LogRecord) -> None:
    with correlated("3f2a91bc77aa"):
        assert ContextFilter().filter(record)
        assert not is_duplicate(record)
        line = document(record)
    assert (line["message"], line["correlation_id"], line["trace_id"]) == ("x", "3f2a91bc77aa", None)


@pytest.mark.parametrize("request_", STRANGE, ids=lambda value: type(value).__name__)
def test_an_exception_of_a_strange_request_is_nobodys(request_: Any) -> None:
    assert not [answer for _, answer in got_request_exception.send(None, request=request_) if answer]


def test_the_observation_is_found_on_the_request_it_lies_on(rf: RequestFactory) -> None:
    found: list[object] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(observation_of(request))
        return HttpResponse()

    request = rf.get("/")
    ObserveMiddleware(view)(request)
    assert found == [request._django_observe]  # type: ignore[attr-defined]
    assert observation_of(None) is None
