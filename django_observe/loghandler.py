"""The handler that writes to stdout, never raising, and the filter that keeps one line per fact."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, TextIO, TypeAlias

from django_observe import backlog, conf, superseded, testenvironment
from django_observe.logcontext import is_event
from django_observe.reporting import guard
from django_observe.vocabulary import LoggerName

LOOK_SECONDS = 1.0
_guard = guard("logs")  # made once, where there are lines for each request
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

if TYPE_CHECKING:
    _TextHandler: TypeAlias = logging.StreamHandler[TextIO]
else:
    _TextHandler = logging.StreamHandler  # takes no type argument before Python 3.11


class Output(_TextHandler):
    """Writes each line with no lock held: a reader that stops reading costs lines, and no thread its time.

    A closed stream or a full disk costs at most that line. Whatever is lost is counted.
    """

    _direct: TextIO | None = None
    """The stream that was no pipe when it was looked at last."""
    _looked = 0.0

    def handle(self, record: logging.LogRecord) -> bool:
        """Filters, formats and writes, outside of the handler's lock."""
        with _guard:
            passed: object = self.filter(record)  # from Python 3.12 a filter may answer with a record
            if passed:
                self.emit(passed if isinstance(passed, logging.LogRecord) else record)
            return bool(passed)
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line."""
        with _guard:
            self.write(self.format(record))

    def write(self, text: str) -> None:
        """Writes one line; raises what the stream raises."""
        line, stream = text + self.terminator, self.stream
        pipe = self._pipe()
        if pipe is not None:
            backlog.stdout.write(pipe, _encoded(line, stream), stream.flush)
            return
        try:
            stream.write(line)
        except UnicodeEncodeError:
            stream.write(_NOT_ASCII.sub(_escaped, line))
        stream.flush()

    def _pipe(self) -> backlog.Pipe | None:
        """The pipe behind the stream, which may have another descriptor beneath it at any line.

        Where there is none it is looked for once a second, as no line can get to a wrong reader meanwhile
        (saves 6k of a line's 67k instructions).
        """
        now = monotonic()
        if self.stream is self._direct and now - self._looked < LOOK_SECONDS:
            return None
        pipe = backlog.pipe_of(self.stream)
        if pipe is None:
            self._direct, self._looked = self.stream, now
        return pipe


class OncePerFact(logging.Filter):
    """Stops the lines of Django, servers and Celery that say what our request or task line says already.

    It belongs on handlers that write to the terminal only: mails to admins and files get everything.
    In Django's test environment it also stops what Django's own default would not have printed, unless
    LOG_FORMAT is explicit.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record says something new."""
        return not (is_duplicate(record) or (are_tests_quiet() and _is_chatter(record)))


def is_duplicate(record: logging.LogRecord) -> bool:
    """Whether our request or task line says the same, or whatever LOGS has in its place."""
    duplicate = _DUPLICATES.get(record.name)
    return duplicate is not None and bool(conf.settings().logs) and duplicate(record)


def is_standard(handler: logging.Handler) -> bool:
    """Whether a handler writes to the process's stdout or stderr."""
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)


_QUIET_IN_TESTS = frozenset({"django", LoggerName.REQUEST, LoggerName.TASK, LoggerName.CONSUMER})


def are_tests_quiet() -> bool:
    """Whether lines are held back which Django's own default would not have printed in a test."""
    return conf.settings().log_format == "auto" and testenvironment.in_force()


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
    """Not where another kit's line is in place of ours: that may say nothing of the error."""
    from django_observe.requestmark import observation_of

    observed = observation_of(getattr(record, "request", None)) is not None
    return observed and not superseded.are_requests_told()


def _is_access_line(record: logging.LogRecord) -> bool:
    """Django's development server logs accesses, and its faults, under one name."""
    return record.msg == '"%s" %s %s'


def _is_daphnes_access_line(record: logging.LogRecord) -> bool:
    """Of daphne's `runserver`; that a WebSocket was opened or closed it says under the same name."""
    return isinstance(record.args, dict) and "status" in record.args


def _is_task_line(record: logging.LogRecord) -> bool:
    """Celery's internal errors are no outcome of a task and stay."""
    told = isinstance(record.args, dict) and record.args.get("description") != "INTERNAL ERROR"
    return told and tells_of_task(record.msg)


def tells_of_task(message: object) -> bool:
    """Whether Celery's `message`, without what is filled in, says what our task line does."""
    return conf.settings().celery and str(message).startswith("Task %(name)s[%(id)s]")


def _is_background_task_line(record: logging.LogRecord) -> bool:
    """Of its start or end; that a task was enqueued is said in other words."""
    return conf.settings().background_tasks and record.msg == "Task id=%s path=%s state=%s"


def _always(record: logging.LogRecord) -> bool:
    return not is_event(record)


_DUPLICATES: dict[str, Callable[[logging.LogRecord], bool]] = {
    "django.request": _has_own_line,
    "django.server": _is_access_line,
    "django.channels.server": _is_daphnes_access_line,
    "uvicorn.access": _always,
    "gunicorn.access": _always,
    "hypercorn.access": _always,
    "granian.access": _always,
    "celery.app.trace": _is_task_line,
    "celery.worker.strategy": _is_task_line,
    "django.tasks": _is_background_task_line,
    "django_tasks": _is_background_task_line,
}
