"""Errors whose words quote what only the service should know."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import requests
from channels.routing import URLRouter
from django.core.cache import caches
from django.urls import NoReverseMatch, reverse

from django_observe.errortext import without_quotes
from django_observe.secretnames import MASK
from tests.growth import is_linear

SECRET = "Zq1234567890"


def test_an_address_that_was_called() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(f"http://127.0.0.1:9/hooks/{SECRET}/send?page=1", timeout=5)
    assert SECRET in str(caught.value)
    assert f"with url: /hooks/<segment>/send?page={MASK} " in without_quotes(str(caught.value))


URL = f"https://h.example/users/{SECRET}/o'{SECRET}?page={SECRET}#{SECRET}"


def test_an_answer_that_is_an_error() -> None:
    told = f"https://h.example/users/<segment>/<segment>?page={MASK}"
    response = requests.Response()
    response.status_code, response.url, response.reason = 404, URL, "Not Found"
    with pytest.raises(requests.HTTPError, match=SECRET) as caught:
        response.raise_for_status()
    assert without_quotes(str(caught.value)) == f"404 Client Error: Not Found for url: {told}"
    answer = httpx.Response(302, headers={"Location": URL}, request=httpx.Request("GET", URL))
    with pytest.raises(httpx.HTTPStatusError, match=SECRET) as refused:
        answer.raise_for_status()
    said = without_quotes(str(refused.value))
    assert SECRET not in said
    assert f"'302 Found' for url '{told}'\nRedirect location: '{told}'\n" in said
    assert (
        without_quotes(f"404, message='Not Found', url='{URL}'") == f"404, message='Not Found', url='{told}'"
    )


def test_a_route_that_is_not_reversed() -> None:
    for values in ({"args": [SECRET]}, {"kwargs": {"email": f"{SECRET}'s"}}):
        with pytest.raises(NoReverseMatch, match=SECRET) as caught:
            reverse("ok", **values)
        said = without_quotes(str(caught.value))
        assert SECRET not in said
        assert f"arguments {MASK} not found. 1 pattern(s) tried: " in said


@pytest.mark.parametrize(
    "piece",
    [
        "No route found for path '",
        "Reverse for 'a' with arguments '",
        "for url: /",
        ", url='h",
        "Key '",
        "url '/'",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    assert is_linear(lambda size: without_quotes(f"{(piece * size)[:size]} not found"), 32_768)


def test_a_websocket_that_nobody_serves() -> None:
    async def open_one() -> None:
        await URLRouter([])({"type": "websocket", "path": f"/ws/{SECRET}/"}, None, None)

    with pytest.raises(ValueError, match=SECRET) as caught:
        asyncio.run(open_one())
    assert without_quotes(str(caught.value)) == "No route found for path 'ws/<segment>/'."


def test_a_key_of_a_cache() -> None:
    with pytest.raises(ValueError, match=SECRET) as caught:
        caches["default"].incr(f"visits:{SECRET}")
    assert without_quotes(str(caught.value)) == f"Key '{MASK}' not found"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{{'QUERY_STRING': 'page={SECRET}', 'a': 1}}", f"{{'QUERY_STRING': 'page={MASK}', 'a': 1}}"),
        (f'{{"QUERY_STRING": "a={SECRET}&b=2"}}', f'{{"QUERY_STRING": "a={MASK}&b={MASK}"}}'),
        (f"QUERY_STRING=a={SECRET} HOME=/", f"QUERY_STRING=a={MASK} HOME=/"),
        ("QUERY_STRING is empty, with url: none, 'x' not found", None),
        ("Key 'a' is there", None),
        (f'Signature "{SECRET}" does not match', f'Signature "{MASK}" does not match'),
        (f"(scheme='https', netloc='a:{SECRET}@h')", f"(scheme='https', netloc='{MASK}@h')"),
    ],
)
def test_other_words(text: str, told: str | None) -> None:
    assert without_quotes(text) == (text if told is None else told)
