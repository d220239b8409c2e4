"""What libraries say in lines of their own that nobody asked them to tell, left out of the message.

Arguments and results of Celery's tasks, headers and frames of WebSockets, addresses that HTTP clients call,
requests as Django's classes write them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, cast

from django.http import HttpRequest

from django_observe import querylines, requesttext
from django_observe.objecttext import text_of
from django_observe.secretnames import MASK
from django_observe.urltext import scrub_url

_FRAME: Final = re.compile(r"[<>] (?:HTTP/1\.1 [0-9]{3}|\[body\]|[\w-]{1,64})", re.ASCII)
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_OF_A_TASK: Final = frozenset({"args", "kwargs", "return_value"})
_WITH_A_BODY: Final = (
    *("Received unregistered task", "Received invalid task message", "Can't decode message body"),
    "Received and deleted unknown message",
)


def message_of(record: logging.LogRecord) -> str:
    """The message of a record, with its arguments.

    Raises:
        Exception: whatever an argument's text, or one that does not fit the message, raises.
    """
    return _teller(record.name)(record)


@lru_cache(maxsize=1_024)
def _teller(name: str) -> Callable[[logging.LogRecord], str]:
    return _RETOLD.get(name) or requesttext.teller(name) or _said


class _Bare(str):
    """A text that `%r` puts no quotes around."""

    __slots__ = ()
    __repr__ = str.__str__


def _said(record: logging.LogRecord) -> str:
    """Of anybody else: as it is, but for requests, and for the path of the one it is about."""
    args, request = record.args, record.__dict__.get("request")
    if (
        request is None
        and type(record.msg) is str
        and type(args) is tuple
        and _PLAIN.issuperset(map(type, args))
    ):
        return record.getMessage()
    if type(args) is tuple and _has_request(args):
        return _formatted(record, tuple(map(_named, args)))
    if type(args) is dict and _has_request(args.values()):
        return _formatted(record, {name: _named(value) for name, value in args.items()})
    message = text_of(record.msg) if _has_request((record.msg,)) else record.getMessage()
    return (
        requesttext.without_path(message, cast(HttpRequest, request)) if _has_request((request,)) else message
    )


def _has_request(values: Iterable[Any]) -> bool:
    """By their types: `isinstance` would ask a lazy object for what it stands for."""
    return any(issubclass(type(each), HttpRequest) for each in values)


def _named(value: Any) -> Any:
    return _Bare(text_of(value)) if _has_request((value,)) else value


def _formatted(record: logging.LogRecord, args: Any) -> str:
    message: str = str(record.msg) % args
    return message


def _without_frame(record: logging.LogRecord) -> str:
    """Of a WebSocket's handshake and traffic: as far as a header's name or a frame's kind."""
    if not str(record.msg).startswith(("< ", "> ")):
        return (requesttext.teller(record.name) or _said)(record)
    message = record.getMessage()
    known = _FRAME.match(message)
    begun = known[0] if known else message[:1]
    return begun if begun == message else f"{begun} {MASK}"


def _without_arguments(record: logging.LogRecord) -> str:
    """Of a task: neither its arguments nor what it answered."""
    if type(record.args) is not dict:
        return record.getMessage()
    return _formatted(
        record, {name: MASK if name in _OF_A_TASK else value for name, value in record.args.items()}
    )


def _without_call(record: logging.LogRecord) -> str:
    """Of a pool: what it runs, but not with what."""
    if type(record.args) is not tuple or not str(record.msg).startswith("TaskPool: Apply"):
        return record.getMessage()
    return _formatted(record, tuple(MASK if place else value for place, value in enumerate(record.args)))


def _without_body(record: logging.LogRecord) -> str:
    """Of a message that a worker cannot take: the first line, and the task's ID; the rest is that message."""
    message = record.getMessage()
    if not message.startswith(_WITH_A_BODY):
        return message
    told = f"{message.partition(chr(10))[0].partition(' [type:')[0]} {MASK}"
    args = record.args if type(record.args) is tuple else ()
    headers = next((each for each in args if isinstance(each, dict) and "id" in each), None)
    return told if headers is None else f"{told}, id {headers['id']}"


def _with_addresses(record: logging.LogRecord) -> str:
    """Of an HTTP client: the address as it would be on a span."""
    if type(record.args) is not tuple or not record.args:
        return record.getMessage()
    return _formatted(record, tuple(map(_address, record.args)))


def _without_value(record: logging.LogRecord) -> str:
    """Of an HTTP client's steps: not what a step had for a result, such as the headers of an answer."""
    told, given, _ = record.getMessage().partition(" return_value=")
    return f"{told}{given}{MASK}" if given else told


def _address(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return scrub_url(text) if text.startswith("/") or "://" in text else text


_RETOLD: dict[str, Callable[[logging.LogRecord], str]] = {
    **dict.fromkeys(("celery.app.trace", "celery.worker.strategy"), _without_arguments),
    **dict.fromkeys(querylines.LOGGERS, querylines.message_of),
    "celery.pool": _without_call,
    "celery.worker.consumer.consumer": _without_body,
    **dict.fromkeys(("httpx", "urllib3.connectionpool"), _with_addresses),
    **dict.fromkeys(("httpcore.http11", "httpcore.http2"), _without_value),
    **dict.fromkeys(("uvicorn.error", "websockets.server", "websockets.client"), _without_frame),
}
"""By the logger's name: what makes the messages of its records."""
