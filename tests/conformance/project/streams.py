"""Streaming bodies and files, whose every step says what it runs under."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from io import FileIO
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.gzip import gzip_page

from tests.conformance.project.witness import witness

PAUSE = 0.05
"""Seconds that each step takes."""

FILE = str(Path(__file__))


def parts(key: str, steps: int, fault: str) -> Iterator[str]:
    """`steps` parts, then the fault if there is one."""
    try:
        for number in range(steps):
            witness(key, "step", number=number)
            time.sleep(PAUSE)
            yield f"part {number}\n"
        if fault:
            raise RuntimeError(fault)
    finally:
        witness(key, "end")


async def aparts(key: str, steps: int, fault: str) -> AsyncIterator[str]:
    """The same in async."""
    try:
        for number in range(steps):
            witness(key, "step", number=number)
            await asyncio.sleep(PAUSE)
            yield f"part {number}\n"
        if fault:
            raise RuntimeError(fault)
    finally:
        witness(key, "end")


def _asked(request: HttpRequest) -> tuple[str, int, str]:
    return request.GET["key"], int(request.GET.get("steps", "3")), request.GET.get("fault", "")


def stream(request: HttpRequest) -> HttpResponse:
    return StreamingHttpResponse(parts(*_asked(request)))  # type: ignore[return-value]


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(aparts(*_asked(request)))


@gzip_page
def compressed(request: HttpRequest) -> HttpResponse:
    return stream(request)


class Read(FileIO):
    """A file that says so when Python reads it: `sendfile` has the kernel do that."""

    key = ""

    def read(self, size: int | None = -1, /) -> bytes | None:
        witness(self.key, "read")
        return super().read(-1 if size is None else size)


def download(request: HttpRequest) -> FileResponse:
    file = Read(FILE)
    file.key = request.GET["key"]
    witness(file.key, "view")
    return FileResponse(file)  # type: ignore[arg-type]


urlpatterns = [
    path("sync/", stream),
    path("async/", astream),
    path("compressed/", compressed),
    path("file/", download),
]
