"""The handler that writes to stdout, never raising, and the filter that keeps one line per fact."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO, TypeAlias

from django_observe import backlog, conf
from django_observe.logcontext import FIELDS
from django_observe.reporting import guard
from django_observe.vocabulary import LoggerName

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

if TYPE_CHECKING:
    _TextHandler: TypeAlias = logging.StreamHandler[TextIO]
else:
    _TextHandler = logging.StreamHandler  # takes no type argument before Python 3.11


class Output(_TextHandler):
    """Writes each line with no lock held: a reader that stops reading costs lines, and no thread its time.

    A closed stream or a full disk costs at most that line. Whatever is lost is counted.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Filters, formats and writes, outside of the handler's lock."""
        with guard("logs"):
            passed: object = self.filter(record)  # from Python 3.12 a filter may answer with a record
            if passed:
                self.emit(passed if isinstance(passed, logging.LogRecord) else record)
            return bool(passed)
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line."""
        with guard("logs"):
            line = self.format(record) + self.terminator
            pipe = backlog.pipe_of(self.stream)
            if pipe is not None:
                backlog.stdout.write(pipe, _encoded(line, self.stream), self.stream.flush)
                return
            try:
                self.stream.write(line)
            except UnicodeEncodeError:
                self.stream.write(_NOT_ASCII.sub(_escaped, line))
            self.stream.flush()


class OncePerFact(logging.Filter):
    """Stops the lines of Django, servers and Celery that say what our request or task line says already.

    It belongs on handlers that write to the terminal only: mails to admins and files get everything.
    In Django's test environment it also stops what Django's own default would not have printed, unless
    LOG_FORMAT is explicit.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record says something new."""
        settings = conf.settings()
        if settings.log_format == "auto" and in_test_environment() and _is_chatter(record):
            return False
        return not is_duplicate(record)


def is_duplicate(record: logging.LogRecord) -> bool:
    """Whether our request or task line says the same."""
    duplicate = _DUPLICATES.get(record.name)
    return duplicate is not None and conf.settings().logs is True and duplicate(record)


def is_standard(handler: logging.Handler) -> bool:
    """Whether a handler writes to the process's stdout or stderr."""
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)


_QUIET_IN_TESTS = frozenset({"django", LoggerName.REQUEST, LoggerName.TASK, LoggerName.CONSUMER})


def in_test_environment() -> bool:
    """Whether `django.test.utils.setup_test_environment` is in force: it then keeps what it has changed."""
    state = getattr(sys.modules.get("django.test.utils"), "_TestState", None)
    return hasattr(state, "saved_data")


def _is_chatter(record: logging.LogRecord) -> bool:
    quiet = record.name in _QUIET_IN_TESTS or record.name.startswith("django.")
    return quiet or record.levelno < logging.WARNING


def _encoded(line: str, stream: TextIO) -> bytes:
    try:
        return line.encode(stream.encoding, stream.errors or "strict")
    except UnicodeEncodeError:
        return _NOT_ASCII.sub(_escaped, line).encode(stream.encoding)


def _escaped(match: re.Match[str]) -> str:
    r"""The character as JSON's \uXXXX; beyond the basic plane as a surrogate pair (RFC 8259, section 7)."""
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _has_own_line(record: logging.LogRecord) -> bool:
    return getattr(getattr(record, "request", None), "_django_observe", None) is not None


def _is_access_line(record: logging.LogRecord) -> bool:
    """Django's development server logs accesses, and its faults, under one name."""
    return record.msg == '"%s" %s %s'


def _is_daphnes_access_line(record: logging.LogRecord) -> bool:
    """Of daphne's `runserver`; that a WebSocket was opened or closed it says under the same name."""
    return isinstance(record.args, dict) and "status" in record.args


def _is_task_line(record: logging.LogRecord) -> bool:
    """Celery's internal errors are no outcome of a task and stay."""
    told = isinstance(record.args, dict) and record.args.get("description") != "INTERNAL ERROR"
    return told and conf.settings().celery and str(record.msg).startswith("Task %(name)s[%(id)s]")


def _is_background_task_line(record: logging.LogRecord) -> bool:
    """Of its start or end; that a task was enqueued is said in other words."""
    return conf.settings().background_tasks and record.msg == "Task id=%s path=%s state=%s"


def _always(record: logging.LogRecord) -> bool:
    return FIELDS not in record.__dict__


_DUPLICATES: dict[str, Callable[[logging.LogRecord], bool]] = {
    "django.request": _has_own_line,
    "django.server": _is_access_line,
    "django.channels.server": _is_daphnes_access_line,
    "uvicorn.access": _always,
    "gunicorn.access": _always,
    "celery.app.trace": _is_task_line,
    "celery.worker.strategy": _is_task_line,
    "django.tasks": _is_background_task_line,
    "django_tasks": _is_background_task_line,
}
