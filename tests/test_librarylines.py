"""What is left of lines in which libraries tell what only the service should know."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from django_observe.librarylines import message_of
from django_observe.secretnames import MASK

SECRET = "Zq1234567890"
CELERY = {"id": "1", "name": "shop.pay", "args": f"('{SECRET}',)", "kwargs": "{}", "return_value": SECRET}
BODY = "Received unregistered task of type %s.\nThe message has been ignored and discarded.\n\nbody was:\n%s"

LINES: list[tuple[str, str, Any, str]] = [
    (
        "celery.app.trace",
        "Task %(name)s[%(id)s] succeeded in %(runtime)ss: %(return_value)s",
        {**CELERY, "runtime": 0.1},
        f"Task shop.pay[1] succeeded in 0.1s: {MASK}",
    ),
    ("celery.worker.strategy", "Task %(name)s %(args)s", CELERY, f"Task shop.pay {MASK}"),
    ("celery.app.trace", "of no task", (), "of no task"),
    (
        "celery.pool",
        "TaskPool: Apply %s (args:%s kwargs:%s)",
        ("f", SECRET, SECRET),
        f"TaskPool: Apply f (args:{MASK} kwargs:{MASK})",
    ),
    ("celery.pool", "%s processes", (2,), "2 processes"),
    (
        "celery.worker.consumer.consumer",
        BODY,
        ("KeyError('shop.none')", SECRET),
        f"Received unregistered task of type KeyError('shop.none'). {MASK}",
    ),
    (
        "celery.worker.consumer.consumer",
        f"{BODY} %s %s",
        ("KeyError('shop.none')", SECRET, {"id": "7-8", "argsrepr": SECRET}, {"exchange": ""}),
        f"Received unregistered task of type KeyError('shop.none'). {MASK}, id 7-8",
    ),
    (
        "celery.worker.consumer.consumer",
        "Can't decode message body: %r [type:%r headers:%s]\n\nbody: %s",
        ("wrong", "json", SECRET, SECRET),
        f"Can't decode message body: 'wrong' {MASK}",
    ),
    ("celery.worker.consumer.consumer", "Connected to %s", ("redis",), "Connected to redis"),
    ("uvicorn.error", "< GET %s HTTP/1.1", (f"/ws/{SECRET}/",), f"< GET {MASK}"),
    ("uvicorn.error", "< %s: %s", ("x-shop", SECRET), f"< x-shop {MASK}"),
    ("uvicorn.error", "> HTTP/1.1 %d %s", (101, "Switching"), f"> HTTP/1.1 101 {MASK}"),
    ("websockets.server", "> %s", (f"TEXT '{SECRET}' [12 bytes]",), f"> TEXT {MASK}"),
    ("uvicorn.error", "< EOF", (), "< EOF"),
    ("uvicorn.error", "< %s", (f"'{SECRET}'",), f"< {MASK}"),
    ("uvicorn.error", "Started server process", (), "Started server process"),
    (
        "httpx",
        'HTTP Request: %s %s "%s %d %s"',
        ("GET", f"https://api.example/hooks/{SECRET}?q=1#{SECRET}", "HTTP/1.1", 200, "OK"),
        f'HTTP Request: GET https://api.example/hooks/<segment>?q={MASK} "HTTP/1.1 200 OK"',
    ),
    (
        "urllib3.connectionpool",
        '%s://%s:%s "%s %s %s" %s %s',
        ("http", "api", 80, "GET", f"/hooks/{SECRET}", "HTTP/1.1", 200, None),
        'http://api:80 "GET /hooks/<segment> HTTP/1.1" 200 None',
    ),
    (
        "httpcore.http11",
        f"receive_response_headers.complete return_value=(b'HTTP/1.1', [(b'X-Shop', b'{SECRET}')])",
        (),
        f"receive_response_headers.complete return_value={MASK}",
    ),
    ("httpcore.http11", "response_closed.started", (), "response_closed.started"),
    ("urllib3.connectionpool", "Resetting dropped connection", (), "Resetting dropped connection"),
    ("shop", "said %s", (SECRET,), f"said {SECRET}"),
]


@pytest.mark.parametrize(("logger", "message", "args", "told"), LINES)
def test_what_is_left(logger: str, message: str, args: Any, told: str) -> None:
    given = (args,) if isinstance(args, dict) else args
    assert message_of(logging.LogRecord(logger, logging.DEBUG, "", 0, message, given, None)) == told


@pytest.mark.parametrize("placeholder", ["%s", "%r"])
def test_a_request_is_named_with_its_path_as_it_may_be_told(placeholder: str) -> None:
    request = RequestFactory().get(f"/reset/{SECRET}/?token={SECRET}")
    record = logging.LogRecord("shop", logging.INFO, "", 0, f"%d of {placeholder}", (3, request), None)
    assert message_of(record) == "3 of <WSGIRequest GET /reset/<segment>/>"


def test_a_request_is_named_wherever_it_stands() -> None:
    request = RequestFactory().get(f"/reset/{SECRET}/?token={SECRET}")
    named = "<WSGIRequest GET /reset/<segment>/>"
    by_name = logging.LogRecord("shop", logging.INFO, "", 0, "of %(r)r", ({"r": request},), None)
    assert message_of(by_name) == f"of {named}"
    assert message_of(logging.LogRecord("shop", logging.INFO, "", 0, request, (), None)) == named


def test_a_lazy_object_is_not_asked_for_what_it_stands_for() -> None:
    asked: list[int] = []
    lazy = SimpleLazyObject(lambda: asked.append(1))
    record = logging.LogRecord("shop", logging.INFO, "", 0, "by %r %d", (lazy, 3), None)
    record.request = lazy
    assert message_of(record) == record.getMessage()
    assert asked == []


def test_arguments_that_do_not_fit_are_told_to_the_caller() -> None:
    with pytest.raises(TypeError):
        message_of(logging.LogRecord("httpx", logging.INFO, "", 0, "%s", (1, 2), None))


SETUP = """
import sys
from gunicorn.config import Config
from django_observe.gunicorn import Logger
settings = Config()
settings.set("accesslog", sys.argv[1])
[handler] = Logger(settings).access_log.handlers
print(type(handler.formatter).__module__)
"""


@pytest.mark.parametrize(("target", "formatter"), [("-", "django_observe.json"), ("access.log", "logging")])
def test_gunicorns_access_lines_are_ours_on_stdout_and_its_own_in_a_file(
    target: str, formatter: str, tmp_path: Path
) -> None:
    """In a process of its own, as the module is a configuration: importing it sets up the metrics."""
    argv = [sys.executable, "-c", SETUP, target]
    assert subprocess.check_output(argv, cwd=tmp_path, text=True, timeout=60).strip() == formatter
