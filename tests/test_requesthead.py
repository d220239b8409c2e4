"""What a test's client puts among a request's headers need not be text, as a server's is."""

from __future__ import annotations

from time import time
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from django_observe import reporting
from django_observe.records import Exchange
from django_observe.testing import Captured

pytestmark = pytest.mark.urls(__name__)


def ok(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("ok/", ok)]


@pytest.mark.parametrize(
    "meta",
    [
        {"HTTP_X_CORRELATION_ID": uuid4()},
        {"HTTP_X_CORRELATION_ID": 12_345_678},
        {"HTTP_X_REQUEST_START": time()},
        {"HTTP_X_REQUEST_START": [b"1.5"]},
        {"HTTP_X_FORWARDED_FOR": 1},
    ],
    ids=["ID: UUID", "ID: number", "start: number", "start: list", "client: number"],
)
def test_a_header_that_is_no_text_is_passed_over(meta: dict[str, Any], captured: Captured) -> None:
    failures = reporting.failures()
    response = Client().get("/ok/", **meta)
    [exchange] = [record for record in captured.records if isinstance(record, Exchange)]
    assert response["X-Correlation-ID"] == exchange.correlation_id
    assert len(exchange.correlation_id) == 32
    assert exchange.queue_seconds is None
    assert reporting.failures() == failures
