"""A view that leaks on purpose, to see that the long run finds it."""

from __future__ import annotations

import os
from itertools import count
from threading import Event, Thread

from django.http import HttpRequest, HttpResponse

_kept: list[bytes] = []
_never = Event()
_requests = count()

EVERY = 10


def leak(request: HttpRequest) -> HttpResponse:
    """Keeps 64 KB with each request, and a thread and a file with every tenth."""
    _kept.append(b"x" * 65_536)
    if next(_requests) % EVERY == 0:
        os.open(os.devnull, os.O_RDONLY)
        Thread(target=_never.wait, daemon=True).start()
    return HttpResponse("leaked")
