"""structlog's event dict as the message of a record: what `wrap_for_formatter` hands to logging.

It is told as any record is: `event` is the message, what a line says by itself is not said
twice, and what the project has under a name of ours stays, as `extra_<name>`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final

from django_observe.vocabulary import Field

PRIVATE: Final = frozenset({"_logger", "_name"})
"""Attributes that it gives to such a record, for structlog's own formatter."""

_EVENT, _EXCEPTION, _EXC_INFO = "event", "exception", "exc_info"
_NOT_TOLD: Final = frozenset({"_record", "_from_structlog", _EVENT, _EXC_INFO})
_METHODS: Final = {"EXCEPTION": "ERROR", "WARN": "WARNING"}
"""Of structlog's, those that are not called as the level is; `add_log_level` writes a method's name."""

_NEAR_SECONDS: Final = 2.0
"""Between a processor's time, which may be in whole seconds, and the record's."""


def is_one(record: logging.LogRecord) -> bool:
    """Whether the record's message is an event dict."""
    return type(record.msg) is dict and record.__dict__.keys() >= PRIVATE


def plain(record: logging.LogRecord) -> dict[Any, Any]:
    """The message of such a record, as a project would log a dict of its own."""
    event: dict[Any, Any] = record.msg  # type: ignore[assignment]
    told = {
        name: value
        for name, value in event.items()
        if name not in _NOT_TOLD and not _is_said(record, name, value)
    }
    if type(told.get(_EXCEPTION)) is str:
        told.pop(_EXCEPTION)  # `stack` has it
    message = event.get(_EVENT)
    if message is None or (type(message) is str and not message):
        return told
    if Field.MESSAGE in told:
        told[f"extra_{Field.MESSAGE}"] = told.pop(Field.MESSAGE)
    return {Field.MESSAGE: message, **told}


def error_of(event: Mapping[Any, Any]) -> BaseException | str | None:
    """The exception that `exc_info` speaks of, or what `format_exc_info` has made of it."""
    given = event.get(_EXC_INFO)
    if type(given) is tuple and len(given) == len(sys.exc_info()):
        given = given[1]
    if isinstance(given, BaseException):
        return given
    if given and (current := sys.exc_info()[1]):
        return current
    made = event.get(_EXCEPTION)
    return made if type(made) is str else None


def _is_said(record: logging.LogRecord, name: Any, value: Any) -> bool:
    """Whether a processor wrote it, of the record: the line has it already."""
    if name == Field.TIMESTAMP:
        return _is_near(value, record.created)
    if type(value) is not str:
        return False
    if name == Field.LEVEL:
        level = value.upper()
        return record.levelname.upper() in (level, _METHODS.get(level))
    return bool(name == Field.LOGGER and value == record.name)


def _is_near(value: Any, created: float) -> bool:
    """Whether a number or ISO text is the record's time; text without a zone may be local or UTC."""
    try:
        if type(value) in (int, float):
            return bool(abs(value - created) <= _NEAR_SECONDS)
        if type(value) is not str:
            return False
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        meant = (moment,) if moment.tzinfo else (moment.astimezone(), moment.replace(tzinfo=timezone.utc))
        return any(abs(each.timestamp() - created) <= _NEAR_SECONDS for each in meant)
    except (ValueError, OverflowError, OSError):
        return False
