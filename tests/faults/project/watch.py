"""What the threads of this process do, seen from one of them: `begin/`, and after some requests `end/`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import FrameType

from django.http import HttpRequest, JsonResponse

INTERVAL = 0.005
SENDING = {"otlphttp", "otlppool", "timedconnection", "backoff", "batch", "notice", "logencoding"}
"""Modules of delivery that are the worker's alone."""

OFFERING = {"offer", "refuses", "_wake", "_started", "ledger", "__init__", "renew"}
"""What other threads may do in `delivery`: none of it waits."""


class Watch(threading.Thread):
    """Looks at every thread some 200 times a second, and notes who is where only the worker should be."""

    def __init__(self) -> None:
        super().__init__(name="watch", daemon=True)
        self.over = threading.Event()
        self.looks = 0
        self.seen: set[str] = set()
        self.blocked: set[str] = set()

    def run(self) -> None:
        while not self.over.wait(INTERVAL):
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            self.looks += 1
            for identity, frame in sys._current_frames().items():
                name = names.get(identity, "?")
                theirs = {place for place in places(frame) if is_delivery(place)}
                if name.startswith("django_observe."):
                    self.blocked |= theirs
                else:
                    self.seen |= theirs


def places(frame: FrameType | None) -> list[str]:
    found = []
    while frame is not None:
        found.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return found


def is_delivery(place: str) -> bool:
    module, _, function = place.partition(".")
    return module in SENDING or (module == "delivery" and function not in OFFERING)


_watches: list[Watch] = []


def begin(request: HttpRequest) -> JsonResponse:
    """Starts to look."""
    _watches.append(Watch())
    _watches[-1].start()
    return JsonResponse({})


def end(request: HttpRequest) -> JsonResponse:
    """What was seen: of the threads of requests, and of the workers."""
    watch = _watches.pop()
    watch.over.set()
    watch.join()
    told = {"looks": watch.looks, "requests": sorted(watch.seen), "workers": sorted(watch.blocked)}
    return JsonResponse(told)
