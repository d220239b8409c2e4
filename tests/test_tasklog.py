"""Celery's line of a task that succeeded: not made where only our output hears of it, else as ever."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from celery.app import trace
from django.test import override_settings

from django_observe import logwiring, tasklog
from django_observe.logroot import Takeover

LOGGER = logging.getLogger("celery.app.trace")
CONTEXT = {"id": "7", "name": "shop.pay", "return_value": "8", "runtime": 0.1, "args": "()", "kwargs": "{}"}


class Seen(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger, to be made `alone` with our output in the test: pytest adds handlers before that."""
    tasklog.install()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr(logwiring, "_output", None)
    monkeypatch.setattr(logwiring, "_takeover", Takeover())
    level = LOGGER.level
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        LOGGER.setLevel(logging.INFO)
        yield logging.getLogger()
    LOGGER.setLevel(level)


@contextmanager
def alone(root: logging.Logger) -> Iterator[None]:
    """Root's one handler is our output."""
    handlers, root.handlers = root.handlers, [logwiring._stdout()]
    try:
        yield
    finally:
        root.handlers = handlers


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages of the records that Celery's logger makes."""
    found: list[str] = []
    make: Callable[..., logging.LogRecord] = LOGGER.makeRecord

    def make_and_keep(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        found.append(record.getMessage())
        return record

    monkeypatch.setattr(LOGGER, "makeRecord", make_and_keep)
    return found


@pytest.mark.parametrize("logs", [True, "django_observe.logs.report"])
def test_the_line_that_would_be_dropped_is_not_made(
    root: logging.Logger, made: list[str], *, logs: bool | str
) -> None:
    with alone(root), override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "LOGS": logs}):
        root.handlers = [logwiring._stdout()]
        trace.info(trace.LOG_SUCCESS, CONTEXT)
    assert made == []


def test_another_line_is_made(root: logging.Logger, made: list[str]) -> None:
    with alone(root):
        trace.info("Something else: %(id)s", CONTEXT)
    assert made == ["Something else: 7"]


@pytest.mark.parametrize("name", ["celery.app.trace", "celery", ""])
def test_another_handler_gets_the_line(root: logging.Logger, name: str) -> None:
    seen, logger = Seen(), logging.getLogger(name)
    with alone(root):
        logger.addHandler(seen)
        trace.info(trace.LOG_SUCCESS, CONTEXT)
        logger.removeHandler(seen)
    assert [record.getMessage() for record in seen.records] == [trace.LOG_SUCCESS % CONTEXT]


def test_who_patches_logging_sees_the_record(
    root: logging.Logger, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    call = logging.Logger.callHandlers

    def call_and_look(logger: logging.Logger, record: logging.LogRecord) -> None:
        call(logger, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", call_and_look)
    with alone(root):
        trace.info(trace.LOG_SUCCESS, CONTEXT)
    assert len(made) == 1


def test_without_our_own_task_line_celerys_is_made(root: logging.Logger, made: list[str]) -> None:
    with alone(root), override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "CELERY": False}):
        root.handlers = [logwiring._stdout()]
        trace.info(trace.LOG_SUCCESS, CONTEXT)
    assert len(made) == 1
