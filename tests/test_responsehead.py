"""What is read from, and added to, the head of an answer: as Django's own mapping has it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings

from django_observe.responsehead import charset_of, set_default


def without_a_type() -> HttpResponse:
    response = HttpResponse()
    del response["Content-Type"]
    return response


def with_a_type_later() -> HttpResponse:
    response = HttpResponse("text")
    response["content-type"] = b"text/plain; charset=koi8-r"
    return response


ANSWERS: list[HttpResponseBase] = [
    HttpResponse(),
    JsonResponse({}),
    StreamingHttpResponse([]),
    HttpResponse(charset="latin-1"),
    HttpResponse(content_type="text/plain"),
    HttpResponse(content_type='text/plain; CharSet="ascii"'),
    HttpResponse(content_type="text/plain; charset=ascii", charset="utf-16"),
    without_a_type(),
    with_a_type_later(),
]


@pytest.mark.parametrize("default", ["utf-8", "cp1252"])
@pytest.mark.parametrize("response", ANSWERS)
def test_the_charset_is_djangos(response: HttpResponseBase, default: str) -> None:
    with override_settings(DEFAULT_CHARSET=default):
        assert charset_of(response) == charset_of(response) == response.charset


@pytest.mark.parametrize("given", [{}, {"X-Request-ID": "theirs"}, {"x-request-id": "theirs"}])
def test_a_header_is_added_where_there_is_none(given: dict[str, Any]) -> None:
    ours, djangos = HttpResponse(headers=given), HttpResponse(headers=given)
    set_default(ours, "X-Request-ID", "ours")
    djangos.headers.setdefault("X-Request-ID", "ours")
    assert list(ours.items()) == list(djangos.items())
    assert ours.headers["x-REQUEST-id"] == djangos.headers["x-REQUEST-id"]
    assert ours.serialize_headers() == djangos.serialize_headers()
