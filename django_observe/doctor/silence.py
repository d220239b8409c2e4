"""Why a record gets nowhere: what in LOGGING swallows it, and the line to change."""

from __future__ import annotations

import logging
from typing import NamedTuple

from django_observe import conf, logway

SWITCHED_OFF = (
    "LOGGING has disable_existing_loggers on, which is its default, and applies it after the logger was made"
)


class Silence(NamedTuple):
    """Cause, and the line to change."""

    cause: str
    change: str


def reason(logger: logging.Logger, level: int) -> Silence | None:
    """Why a record of `level` is written nowhere; None if some handler takes it."""
    told = logging.getLevelName(level)
    if logging.root.manager.disable >= level:
        highest = logging.getLevelName(logging.root.manager.disable)
        return Silence(
            f"logging.disable({highest}) was called: nothing of {highest} or below is logged by anybody",
            "remove that call, or logging.disable(logging.NOTSET) after it",
        )
    if logger.disabled:
        return Silence(SWITCHED_OFF, 'LOGGING["disable_existing_loggers"] = False')
    if not logger.isEnabledFor(level):
        owner = _level_owner(logger)
        given = logging.getLevelName(owner.level)
        return Silence(
            f"LOGGING has level {given} for {_told(owner)}: lines of {told} are below it",
            f'{_entry(owner)}["level"] = "{told}"',
        )
    record = _record(logger, level)
    if not logger.filter(record):
        return Silence(f"a filter of {_told(logger)} rejects it", f'{_entry(logger)}["filters"] = []')
    return _unheard(logger, level, record)


def _unheard(logger: logging.Logger, level: int, record: logging.LogRecord) -> Silence | None:
    handlers = _heard_by(logger)
    owner = _handlers_owner(logger)
    if not handlers and owner is logging.root:
        return Silence(
            f"neither {_told(logger)} nor a logger above it has a handler",
            'LOGGING["root"] = {"handlers": ["console"], "level": "INFO"}    # one of LOGGING["handlers"]',
        )
    if not handlers:
        return Silence(
            f"{_told(owner)} has no handler that writes, and passes nothing on",
            f'{_entry(owner)}["handlers"] = ["console"]    # one of LOGGING["handlers"]',
        )
    if any(level >= each.level and each.filter(record) for each in handlers):
        return None
    low = [each for each in handlers if level < each.level]
    handler = low[0] if low else handlers[0]
    place = f'LOGGING["handlers"]["{handler.name or "?"}"]'
    if low:
        cause = f"the handler {handler.name or handler} takes {logging.getLevelName(handler.level)} and above"
        return Silence(cause, f'{place}["level"] = "{logging.getLevelName(level)}"')
    return Silence(
        f"a filter of the handler {handler.name or handler} rejects it", f'{place}["filters"] = []'
    )


def switched_off() -> list[str]:
    """The loggers that LOGGING has disabled by the way."""
    known = logging.root.manager.loggerDict.items()
    found = [name for name, logger in known if isinstance(logger, logging.Logger) and logger.disabled]
    return sorted(found) if conf.logging_disables_existing() else []


def takers(logger: logging.Logger, level: int) -> list[logging.Handler]:
    """The handlers that take a record of `level`."""
    if reason(logger, level) is not None:
        return []
    record = _record(logger, level)
    return [each for each in _heard_by(logger) if level >= each.level and each.filter(record)]


def _heard_by(logger: logging.Logger) -> list[logging.Handler]:
    heard = [handler for each in logway.way(logger) for handler in each.handlers]
    return [each for each in heard if type(each) is not logging.NullHandler]


def _record(logger: logging.Logger, level: int) -> logging.LogRecord:
    return logger.makeRecord(logger.name, level, "", 0, "observe doctor: a canary", (), None)


def _level_owner(logger: logging.Logger) -> logging.Logger:
    while logger.level == logging.NOTSET and logger.parent is not None:
        logger = logger.parent
    return logger


def _handlers_owner(logger: logging.Logger) -> logging.Logger:
    """The first logger upwards that has handlers or ends the way; root if none."""
    while not logger.handlers and logger.propagate and logger.parent is not None:
        logger = logger.parent
    return logger


def _told(logger: logging.Logger) -> str:
    return "the root logger" if logger is logging.root else f"the logger {logger.name}"


def _entry(logger: logging.Logger) -> str:
    return 'LOGGING["root"]' if logger is logging.root else f'LOGGING["loggers"]["{logger.name}"]'
