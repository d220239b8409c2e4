"""Streaming bodies: each step runs bound to its request, and the exchange ends with the last byte."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from types import TracebackType
from typing import cast

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from opentelemetry.context import Context, get_current

from django_observe.observation import Observation


def observe(response: StreamingHttpResponse, observation: Observation) -> None:
    """Makes `response` end `observation`, which is bound, when its body ends, breaks or is given up.

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
    request = observation.request
    if response.file_to_stream is None or request is None or "wsgi.file_wrapper" not in request.META:
        return False
    try:
        return isinstance(response.file_to_stream.fileno(), int)
    except (AttributeError, NotImplementedError, OSError, ValueError):
        return False


class _Body:
    """A body under observation, from its first part to its end."""

    parts: object | None
    """None once the answer is closed."""

    def __init__(self, response: HttpResponseBase, observation: Observation) -> None:
        self.bytes_out = 0
        self.complete = False
        self._response: HttpResponseBase | None = response
        self._observation = observation

    def ended_by(self, error: BaseException) -> None:
        """Ends the observation where a step brought no part. Call it while bound."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self.complete = True
        elif isinstance(error, Exception):
            self._observation.failed(error)
        self.end(aborted=not isinstance(error, Exception))

    def end(self, *, aborted: bool) -> None:
        """Ends the observation; only the first call counts."""
        response, self._response = self._response, None
        if response is not None:
            self._observation.end(response, bytes_out=self.bytes_out, aborted=aborted)

    def close(self, close: Callable[[], None]) -> None:
        """Calls what closes the body."""
        close()


class _SyncBody(_Body):
    def __init__(self, parts: Iterator[bytes], response: HttpResponseBase, observation: Observation) -> None:
        super().__init__(response, observation)
        self.parts: Iterator[bytes] | None = parts
        # steps share a context of their own: to bind the request anew for each takes 15k instructions more
        self._own = copy_context()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.parts is None:
            raise StopIteration
        try:
            part = self._own.run(next, self.parts)
        except BaseException as error:
            self._own.run(self.ended_by, error)
            raise
        self.bytes_out += len(part)
        return part

    def close(self, close: Callable[[], None]) -> None:
        self._own.run(close)


class _AsyncBody(_Body):
    """As a context manager it is one step, run bound to its request."""

    def __init__(
        self, parts: AsyncIterator[bytes], response: HttpResponseBase, observation: Observation
    ) -> None:
        super().__init__(response, observation)
        self.parts: AsyncIterator[bytes] | None = parts
        self._context: Context | None = None

    def __enter__(self) -> None:
        """Binds the request, with the spans and IDs that the body itself has opened in earlier steps."""
        self._tokens = self._observation.bind(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.ended_by(error)
        self._context = get_current()
        self._observation.unbind(self._tokens)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.parts is None:
            raise StopAsyncIteration
        with self:
            part = await anext(self.parts)
        self.bytes_out += len(part)
        return part


def _end_on_close(response: HttpResponseBase, observation: Observation, body: _Body | None) -> None:
    close = response.close

    def close_and_end() -> None:
        observation.recover()
        tokens = observation.bind()
        try:
            if body is None:
                close()
            else:
                body.close(close)
        finally:
            if body is None:
                observation.end(response)
            else:
                body.end(aborted=not body.complete)
            observation.unbind(tokens)
            _let_go(response, body)

    response.close = close_and_end  # type: ignore[method-assign]


def _let_go(response: HttpResponseBase, body: _Body | None) -> None:
    """A closed answer, its body and what closes it hold each other: they would stay until a collection."""
    code = getattr(response.__dict__.get("close"), "__code__", None)
    if code is None or code.co_name != "close_and_end":  # somebody's that wraps ours stays
        return
    del response.__dict__["close"]
    if body is not None:
        body.parts = None
