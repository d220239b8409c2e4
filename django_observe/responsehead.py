"""The head of Django's answers, without the general mapping around it.

Its headers are case-insensitive, and check what they are given; what is asked for here needs neither.
"""

from __future__ import annotations

from functools import lru_cache

from django.core.signals import setting_changed
from django.http import HttpResponse
from django.http.response import HttpResponseBase


def set_default(response: HttpResponseBase, header: str, value: str) -> None:
    """Adds a header, a valid one, that `response` has not yet.

    As `response.headers.setdefault`, where a header that is not there is an exception: saves 12k of
    instructions a request.
    """
    response.headers._store.setdefault(header.lower(), (header, value))  # noqa: SLF001


def charset_of(response: HttpResponseBase) -> str:
    """As `response.charset`, which searches the same few texts anew: saves 18k of instructions a request."""
    content_type = response.headers._store.get("content-type")  # noqa: SLF001
    given = response._charset  # type: ignore[attr-defined]  # noqa: SLF001
    return _charset_in(content_type[1]) if content_type and given is None else response.charset


@lru_cache(maxsize=64)
def _charset_in(content_type: str) -> str:
    return HttpResponse(content_type=content_type).charset


def _forget(**_: object) -> None:
    """DEFAULT_CHARSET may have changed."""
    _charset_in.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_observe.responsehead", weak=False)
