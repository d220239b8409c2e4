"""Streaming bodies and files, whose every step says what it runs under."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO, FileIO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.gzip import gzip_page

from tests.conformance.project.witness import witness

PAUSE = 0.05
"""Seconds that each step takes."""

FILE = __file__


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


def large(request: HttpRequest) -> StreamingHttpResponse:
    """More than a client takes that does not read."""

    def body() -> Iterator[bytes]:
        try:
            for number in range(1_000):
                yield b"part %d" % number + bytes(100_000)
        finally:
            witness(request.GET["key"], "end")

    return StreamingHttpResponse(body())


@gzip_page
def compressed(request: HttpRequest) -> HttpResponse:
    return stream(request)


class Local(FileIO):
    """A file that says so when Python reads it: with `sendfile` only the kernel does."""

    key = ""

    def read(self, size: int | None = -1, /) -> bytes:
        witness(self.key, "read")
        return super().read(-1 if size is None else size) or b""


class Remote(BytesIO):
    """A file without a descriptor, as a storage's over a network is."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(b"remote")
        self._key = key
        self._fault = fault

    def read(self, size: int | None = -1, /) -> bytes:
        witness(self._key, "read")
        if self._fault:
            raise OSError(self._fault)
        return super().read(size)


def local(request: HttpRequest) -> FileResponse:
    file = Local(FILE)
    file.key = request.GET["key"]
    witness(file.key, "view")
    return FileResponse(file)


def remote(request: HttpRequest) -> FileResponse:
    return FileResponse(Remote(request.GET["key"], request.GET.get("fault", "")))


urlpatterns = [
    path("sync/", stream),
    path("async/", astream),
    path("large/", large),
    path("compressed/", compressed),
    path("local/", local),
    path("remote/", remote),
]
