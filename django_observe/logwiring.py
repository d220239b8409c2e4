"""Wiring of Python's logging: who writes to stdout, in which format, and what stays as the project has it.

Where the project left LOGGING alone, the root logger writes to stdout in our format. Where it has its own,
existing handlers only learn the correlation ID. Request and task lines have loggers of their own either way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.core.signals import setting_changed
from django.utils import log

from django_observe import conf, daphnelog
from django_observe.consoleformat import ConsoleFormatter
from django_observe.json import JsonFormatter
from django_observe.logcontext import ContextFilter
from django_observe.loghandler import OncePerFact, Output, is_duplicate, is_standard
from django_observe.logroot import Takeover
from django_observe.reporting import guard
from django_observe.vocabulary import LoggerName

SERVER_LOGGERS = ("gunicorn.error", "gunicorn.access", "uvicorn", "uvicorn.error", "uvicorn.access")

OURS = (LoggerName.REQUEST, LoggerName.TASK, LoggerName.CONSUMER)
"""Loggers of our own lines."""

_FOLLOWED = "_observe_followed"

_context = ContextFilter()
_once = OncePerFact()
_output: Output | None = None
_takeover = Takeover()


def install() -> None:
    """Installs the handlers, formats and filters. May be called again: nothing is added twice."""
    setting_changed.connect(_reinstall, dispatch_uid="django_observe.logs", weak=False)
    _follow(log.configure_logging)
    output, root, settings = _stdout(), logging.getLogger(), conf.settings()
    alone = settings.logs is not False and conf.logging_left_alone() and not _writes_elsewhere(root)
    if alone:
        _takeover.take(output, None if _are_records_compared() else settings.log_level)
    else:
        _takeover.leave(output)
    _stamp_all(root)
    for name in OURS:
        _keep_apart(logging.getLogger(name), output)
    if alone or settings.log_format == "json":
        _adopt_servers(output)
    if conf.exports("logs"):
        _export_otlp()


def _are_records_compared() -> bool:
    """Whether tests may look at `caplog`, which must not gain INFO lines by us, and nobody asked for them."""
    settings = conf.settings()
    return "pytest" in sys.modules and (settings.log_format, settings.log_level) == ("auto", "INFO")


def roots() -> tuple[logging.Logger, ...]:
    """The loggers whose handlers together see every line once: root, and ours that are kept apart."""
    ours = map(logging.getLogger, OURS)
    return logging.getLogger(), *(logger for logger in ours if "callHandlers" in logger.__dict__)


def speaks_json() -> bool:
    """Whether some handler of root's has our formatter."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def for_celery(*, loglevel: object = None, logfile: object = None, **_: object) -> None:
    """Receiver of Celery's `setup_logging`: with one, Celery leaves the root logger and stdout alone.

    `-l` may make a worker more talkative than the settings, `-f` adds a file.
    """
    install()
    root, output = logging.getLogger(), _stdout()
    if not root.handlers:
        root.addHandler(output)
        root.setLevel(conf.settings().log_level)
    if isinstance(loglevel, int) and loglevel < root.level:
        root.setLevel(loglevel)
    if isinstance(logfile, str) and logfile:
        handler = logging.FileHandler(logfile, encoding="utf-8", delay=True)
        handler.setFormatter(JsonFormatter())
        handler.addFilter(_context)
        root.addHandler(handler)


def _follow(configure: Callable[[Any, Any], None]) -> None:
    """Installs again after each `django.setup()`, which applies LOGGING anew, but calls no `ready()` again.

    `get_wsgi_application` under runserver and Celery's fixup both call it a second time.
    """
    if hasattr(configure, _FOLLOWED):
        return

    @wraps(configure)
    def configure_and_install(logging_config: Any, logging_settings: Any) -> None:
        configure(logging_config, logging_settings)
        if logging_config:
            _takeover.forget_consoles()
        with guard("logs"):
            install()

    setattr(configure_and_install, _FOLLOWED, True)
    log.configure_logging = configure_and_install


def _reinstall(*, setting: str, **_: object) -> None:
    if setting in {conf.SETTING, "DEBUG"}:
        install()


def _stdout() -> Output:
    """The one handler of ours, on the stdout of the first call, in the format of the present settings."""
    global _output
    if _output is None:
        _output = Output(sys.stdout)
        _output.addFilter(_context)
        _output.addFilter(_once)
    _output.setFormatter(_formatter(_output))
    return _output


def _formatter(output: Output) -> logging.Formatter:
    settings = conf.settings()
    terminal = False
    with guard("logs"):
        terminal = output.stream.isatty()
    if settings.log_format == "json" or (settings.log_format == "auto" and not (terminal and settings.debug)):
        return JsonFormatter()
    plain = bool(conf.environment("NO_COLOR")) or conf.environment("TERM") == "dumb"
    return ConsoleFormatter(colour=terminal and not plain)


def _stamp_all(root: logging.Logger) -> None:
    """Every handler there is learns the correlation ID, so that `%(correlation_id)s` works in any format."""
    known = [item for item in root.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    for logger in (root, *known):
        for handler in logger.handlers:
            handler.addFilter(_context)


def _keep_apart(logger: logging.Logger, output: Output) -> None:
    """Our lines stay on their own handlers, unless LOGGING gives their logger others.

    Not by `propagate`: pytest attaches caplog to every logger that has it off, and exact lists of records in
    the project's tests are to stay exact.
    """
    logger.disabled = False
    if logger.handlers and output not in logger.handlers:
        return
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.addHandler(output)
    logger.callHandlers = partial(_call_own, logger)  # type: ignore[method-assign]


def _call_own(logger: logging.Logger, record: logging.LogRecord) -> None:
    for handler in logger.handlers:
        if record.levelno >= handler.level:
            handler.handle(record)


def _adopt_servers(output: Output) -> None:
    """The server's own lines get our shape, on the stream they have; its files stay as they are."""
    for name in SERVER_LOGGERS:
        for handler in logging.getLogger(name).handlers:
            if is_standard(handler):
                handler.setFormatter(output.formatter)
                handler.addFilter(_once)


def _export_otlp() -> None:
    from django_observe import otlplogs

    exporter = otlplogs.handler()
    if exporter is None:
        return
    exporter.addFilter(_context)
    exporter.addFilter(_is_news)
    for logger in roots():
        logger.addHandler(exporter)


def _is_news(record: logging.LogRecord) -> bool:
    return not is_duplicate(record)


def _writes_elsewhere(root: logging.Logger) -> bool:
    """Whether the project called `basicConfig` or the like before Django started us; daphne does for none."""
    return any(
        type(handler) is logging.StreamHandler and is_standard(handler) and not daphnelog.is_its(handler)
        for handler in root.handlers
    )
