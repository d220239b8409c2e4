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

from django_observe import conf, daphnelog, logway, serverlogs, testenvironment
from django_observe.consoleformat import ConsoleFormatter
from django_observe.json import JsonFormatter
from django_observe.logcontext import ContextFilter
from django_observe.loghandler import OncePerFact, Output, is_duplicate, is_standard
from django_observe.logroot import Takeover
from django_observe.reporting import guard
from django_observe.vocabulary import LoggerName

OURS = (LoggerName.REQUEST, LoggerName.TASK, LoggerName.CONSUMER)
"""Loggers of our own lines."""

_FOLLOWED = "_observe_followed"

_context = ContextFilter()
_once = OncePerFact()
_FILTERS = [_context, _once]
_output: Output | None = None
_takeover = Takeover()


def install() -> None:
    """Installs the handlers, formats and filters. May be called again: nothing is added twice."""
    setting_changed.connect(_reinstall, dispatch_uid="django_observe.logs", weak=False)
    _follow(log.configure_logging)
    testenvironment.on_change(install)
    output, root, settings = _stdout(), logging.getLogger(), conf.settings()
    alone = settings.logs is not False and conf.logging_left_alone() and not _writes_elsewhere(root)
    if alone:
        _takeover.take(output, None if _are_tests_run() else settings.log_level)
    else:
        _takeover.leave(output)
    _stamp_all(root)
    for name in OURS:
        _keep_apart(logging.getLogger(name), output)
    if alone or settings.log_format == "json":
        serverlogs.adopt(output, _once)
    if conf.exports("logs"):
        _export_otlp()


def sole_output(logger: logging.Logger) -> Output | None:
    """Our output, where it alone hears of `logger` and writes JSON, and nobody looks at a record before it.

    A line of ours is then written without a record, filters and formatter (saves 38k of 125k instructions).
    """
    alone = (
        _output is not None
        and logger.handlers == [_output]
        and _output.filters == _FILTERS
        and not (logger.filters or logger.disabled or _output.level)
        and type(_output.formatter) is JsonFormatter
        and "callHandlers" in logger.__dict__
        and type(logger) is logging.Logger
        and logging.getLogRecordFactory() is logging.LogRecord
    )
    return _output if alone else None


def hears_alone(logger: logging.Logger) -> bool:
    """Whether `logger` is heard by our output and nobody else, who could look at a record before it."""
    untouched = (
        _output is not None
        and _output.filters == _FILTERS
        and not logger.filters
        and logging.Logger.callHandlers.__module__ == logging.__name__  # Sentry's takes breadcrumbs
        and logging.getLogRecordFactory() is logging.LogRecord
    )
    if untouched:
        for heard in logway.way(logger):
            for handler in heard.handlers:
                if handler is not _output and type(handler) is not logging.NullHandler:
                    return False
    return untouched


def _are_tests_run() -> bool:
    """Whether INFO lines would be held back, or be new to `caplog`, and nobody asked for them.

    They are not even made then: saves 60k instructions of each.
    """
    settings = conf.settings()
    runs = "pytest" in sys.modules or testenvironment.in_force()
    return runs and (settings.log_format, settings.log_level) == ("auto", "INFO")


def speaks_json() -> bool:
    """Whether some handler of root's has our formatter."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def for_celery(*, loglevel: object = None, logfile: object = None, **_: object) -> None:
    """Receiver of Celery's `setup_logging`: with one, Celery leaves the root logger and stdout alone.

    `-l` may make a worker more talkative than the settings, `-f` adds a file.
    """
    install()
    root, output = logging.getLogger(), _stdout()
    if all(isinstance(each, logway.Exporter) for each in root.handlers):
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
        for each in _FILTERS:
            _output.addFilter(each)
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
    for logger in (root, *logway.known()):
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


def _export_otlp() -> None:
    from django_observe import otlplogs

    exporter = otlplogs.handler()
    if exporter is None:
        return
    exporter.addFilter(_context)
    exporter.addFilter(_is_news)
    exporter.addFilter(_is_ours_to_export)
    ends = logway.ends()
    for logger in logway.known():
        if logger not in ends:
            logger.removeHandler(exporter)  # LOGGING may be another than before
    for logger in ends:
        logger.addHandler(exporter)


def _is_news(record: logging.LogRecord) -> bool:
    return not is_duplicate(record)


def _is_ours_to_export(record: logging.LogRecord) -> bool:
    """Whether OpenTelemetry's own handler does not hear it, as it never does our own lines."""
    if record.name in OURS:
        return True
    logger = logging.root.manager.loggerDict.get(record.name)
    passed = logway.way(logger if isinstance(logger, logging.Logger) else logging.getLogger())
    return not any(map(_has_opentelemetrys, passed))


def has_opentelemetrys() -> bool:
    """Whether root has OpenTelemetry's own handler, which exports records as they are."""
    return _has_opentelemetrys(logging.getLogger())


def _has_opentelemetrys(logger: logging.Logger) -> bool:
    return any(
        type(handler).__name__ == "LoggingHandler" and type(handler).__module__.startswith("opentelemetry.")
        for handler in logger.handlers
    )


def _writes_elsewhere(root: logging.Logger) -> bool:
    """Whether the project called `basicConfig` or the like before Django started us; daphne does for none."""
    return any(
        type(handler) is logging.StreamHandler and is_standard(handler) and not daphnelog.is_its(handler)
        for handler in root.handlers
    )
