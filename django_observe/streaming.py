"""Streaming bodies: each step runs bound to its request, and the exchange ends with the last byte."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import cast

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from opentelemetry.context import Context, attach, get_current

from django_observe.observation import Observation


def observe(response: StreamingHttpResponse, observation: Observation) -> None:
    """Makes `response` end `observation` when its body ends, breaks or is given up by the client.

    A file that the server sends by itself keeps its way there: nothing of it is read in Python.
    """
    if isinstance(response, FileResponse) and _server_sends(response, observation):
        _end_on_close(response, observation, body=None)
        return
    body: _Body
    if response.is_async:
        body = _AsyncBody(cast("AsyncIterator[bytes]", response.streaming_content), response, observation)
    else:
        body = _SyncBody(cast("Iterator[bytes]", response.streaming_content), response, observation)
    response.streaming_content = body
    _end_on_close(response, observation, body=body)


def _server_sends(response: FileResponse, observation: Observation) -> bool:
    """Whether the server sends the file by itself: by `wsgi.file_wrapper` (PEP 3333), given a descriptor."""
    if response.file_to_stream is None or "wsgi.file_wrapper" not in observation.request.META:
        return False
    try:
        return isinstance(response.file_to_stream.fileno(), int)
    except (AttributeError, OSError, ValueError):
        return False


class _Body:
    """A body under observation; as a context manager it is one step, run bound to its request."""

    def __init__(self, response: HttpResponseBase, observation: Observation) -> None:
        self.bytes_out = 0
        self.complete = False
        self._response = response
        self._observation = observation
        self._context: Context | None = None

    def __enter__(self) -> None:
        """Binds the request, with the spans and IDs that the body itself has opened in earlier steps."""
        self._tokens = self._observation.bind()
        if self._context is not None:
            attach(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self.complete = True
            self._observation.end(self._response, bytes_out=self.bytes_out)
        elif error is not None:
            self._broken(error)
        self._context = get_current()
        self._observation.unbind(self._tokens)

    def _broken(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            self._observation.failed(error)
        aborted = not isinstance(error, Exception)
        self._observation.end(self._response, bytes_out=self.bytes_out, aborted=aborted)


class _SyncBody(_Body):
    def __init__(self, parts: Iterator[bytes], response: HttpResponseBase, observation: Observation) -> None:
        super().__init__(response, observation)
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self:
            part = next(self._parts)
        self.bytes_out += len(part)
        return part


class _AsyncBody(_Body):
    def __init__(
        self, parts: AsyncIterator[bytes], response: HttpResponseBase, observation: Observation
    ) -> None:
        super().__init__(response, observation)
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with self:
            part = await anext(self._parts)
        self.bytes_out += len(part)
        return part


def _end_on_close(response: HttpResponseBase, observation: Observation, body: _Body | None) -> None:
    close = response.close

    def close_and_end() -> None:
        observation.recover()
        tokens = observation.bind()
        try:
            close()
        finally:
            observation.end(
                response,
                bytes_out=body.bytes_out if body else None,
                aborted=body is not None and not body.complete,
            )
            observation.unbind(tokens)

    response.close = close_and_end  # type: ignore[method-assign]
