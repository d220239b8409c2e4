"""Views that fail and dawdle: the fault is raised where a fault of the view's own would be."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern

from demo_services.faults.board import board


class SwitchedOnError(RuntimeError):
    """An error that somebody asked for; the text says how to be rid of it."""

    def __init__(self, key: str, value: float) -> None:
        instance = board().instance
        super().__init__(f"{key}={value:g} is switched on; DELETE /faults of {instance} ends it")


def faulty(*patterns: URLPattern) -> list[URLPattern]:
    """The same URLs, with views that latency and errors apply to."""
    for pattern in patterns:
        pattern.callback = _faulty(pattern.callback)
    return list(patterns)


def _faulty(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def fail_or_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        faults = board().faults()
        if faults.latency:
            time.sleep(faults.latency)
        if random.random() < faults.errors:  # noqa: S311
            raise SwitchedOnError("errors", faults.errors)
        return view(request, *args, **kwargs)

    return fail_or_view
