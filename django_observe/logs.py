"""The log reporter: one line per request, task and WebSocket, and per message of a Channels worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from time import time
from typing import TYPE_CHECKING, Any, TypeAlias

from django_observe import superseded
from django_observe.json import CORE, core, encoded
from django_observe.logcontext import FIELDS, ContextFilter, keep, mark
from django_observe.loghandler import are_tests_quiet
from django_observe.logwiring import for_celery, install, sole_output
from django_observe.reporting import guard, hears_only
from django_observe.vocabulary import Event, Field, LoggerName

if TYPE_CHECKING:
    from django_observe.records import (
        CallStats,
        ChannelMessage,
        Exchange,
        Failure,
        QueryStats,
        Record,
        TaskRun,
        UnrunTask,
        WebSocket,
    )

__all__ = ["ContextFilter", "for_celery", "install", "report"]

Told: TypeAlias = "Exchange | TaskRun | UnrunTask | WebSocket | ChannelMessage"
"""Records that have a line."""

_SERVER_ERROR, _CLIENT_ERROR = 500, 400
_TASK_LEVELS = {"FAILURE": logging.ERROR, "RETRY": logging.WARNING, "REJECTED": logging.WARNING}

_guard = guard("logs")  # made once, where there is a line for each request (saves 1.5k of each)

_requests = logging.getLogger(LoggerName.REQUEST)
_tasks = logging.getLogger(LoggerName.TASK)
_consumers = logging.getLogger(LoggerName.CONSUMER)


@hears_only("Exchange", "TaskRun", "UnrunTask", "WebSocket", "ChannelMessage")
def report(record: Record) -> None:
    """Writes the line of a request, a run, or a task that will not run; a quiet request only if it failed."""
    tell = _tellers().get(type(record))
    if tell is not None:
        tell(record)


def _report_exchange(exchange: Exchange) -> None:
    failed = exchange.status >= _SERVER_ERROR or exchange.failure is not None
    level = logging.ERROR if failed else logging.INFO
    if exchange.quiet and exchange.status < _CLIENT_ERROR and not (failed or exchange.aborted):
        return
    told = superseded.are_requests_told() and not (exchange.own or exchange.aborted)  # which only we see
    if told or not _is_written(_requests, level):
        return
    milliseconds = _milliseconds(exchange.seconds)
    message = f"{exchange.method} {exchange.path} {exchange.status} {milliseconds:.1f} ms"
    line = _begun(_requests, level, message, exchange)
    line[Field.EVENT] = Event.REQUEST_ABORTED if exchange.aborted else Event.REQUEST
    line[Field.METHOD] = exchange.method
    line[Field.ROUTE] = exchange.route
    line[Field.PATH] = exchange.path
    line[Field.STATUS] = exchange.status
    line[Field.DURATION_MS] = milliseconds
    _add_work(line, exchange.queries, exchange.calls)
    if exchange.queue_seconds is not None:
        line[Field.QUEUE_MS] = _milliseconds(exchange.queue_seconds)
    if exchange.user_id is not None:
        line[Field.USER_ID] = exchange.user_id
    if exchange.client_ip is not None:
        line[Field.CLIENT_IP] = exchange.client_ip
    if exchange.bytes_out is not None:
        line[Field.BYTES_OUT] = exchange.bytes_out
    if exchange.client_correlation_id is not None:
        line[Field.CLIENT_CORRELATION_ID] = exchange.client_correlation_id
    _add_failure(line, exchange.failure)
    _write(_requests, level, line)


def _report_task(run: TaskRun) -> None:
    level = _TASK_LEVELS.get(run.state, logging.INFO)
    if not _is_written(_tasks, level) or superseded.are_tasks_told():
        return
    milliseconds = _milliseconds(run.seconds)
    line = _begun(_tasks, level, f"{run.task} {run.state} {milliseconds:.1f} ms", run)
    line |= {
        Field.EVENT: Event.TASK,
        Field.TASK: run.task,
        Field.TASK_ID: run.task_id,
        Field.QUEUE: run.queue,
        Field.STATE: run.state,
        Field.ATTEMPT: run.attempt,
        Field.DURATION_MS: milliseconds,
    }
    if run.queue_wait_seconds is not None:
        line[Field.QUEUE_WAIT_MS] = _milliseconds(run.queue_wait_seconds)
    if run.clock_skew_seconds is not None:
        line[Field.CLOCK_SKEW_MS] = _milliseconds(run.clock_skew_seconds)
    if run.schedule is not None:
        line[Field.SCHEDULE] = run.schedule
    if run.redelivered:
        line[Field.REDELIVERED] = True
    _add_work(line, run.queries, run.calls)
    _add_failure(line, run.failure)
    _write(_tasks, level, line)


def _report_unrun(event: UnrunTask) -> None:
    level = _TASK_LEVELS.get(event.state, logging.INFO)
    if not _is_written(_tasks, level) or superseded.are_tasks_told():
        return
    line = _begun(_tasks, level, f"{event.task} {event.state}", event)
    line |= {
        Field.EVENT: Event.TASK,
        Field.TASK: event.task,
        Field.TASK_ID: event.task_id,
        Field.QUEUE: event.queue,
        Field.STATE: event.state,
    }
    _write(_tasks, level, line)


def _report_websocket(socket: WebSocket) -> None:
    level = logging.ERROR if socket.failure is not None else logging.INFO
    if not _is_written(_consumers, level):
        return
    milliseconds = _milliseconds(socket.seconds)
    outcome = socket.close_code or ("aborted" if socket.aborted else socket.status)
    message = f"websocket {socket.path} {outcome} {milliseconds:.1f} ms"
    line = _begun(_consumers, level, message, socket)
    fields: dict[str, Any] = {
        Field.EVENT: Event.WEBSOCKET_ABORTED if socket.aborted else Event.WEBSOCKET,
        Field.CONSUMER: socket.consumer,
        Field.ROUTE: socket.route,
        Field.PATH: socket.path,
        Field.STATUS: socket.status,
        Field.CLOSE_CODE: socket.close_code,
        Field.MESSAGES_RECEIVED: socket.received,
        Field.MESSAGES_SENT: socket.sent,
        Field.DURATION_MS: milliseconds,
        Field.USER_ID: socket.user_id,
        Field.CLIENT_IP: socket.client_ip,
        Field.CLIENT_CORRELATION_ID: socket.client_correlation_id,
    }
    line.update({name: value for name, value in fields.items() if value is not None})
    _add_work(line, socket.queries, socket.calls)
    _add_failure(line, socket.failure)
    _write(_consumers, level, line)


def _report_channel_message(handled: ChannelMessage) -> None:
    level = logging.ERROR if handled.failure is not None else logging.INFO
    if not _is_written(_consumers, level):
        return
    milliseconds = _milliseconds(handled.seconds)
    message = f"{handled.channel} {handled.type} {milliseconds:.1f} ms"
    line = _begun(_consumers, level, message, handled)
    line |= {
        Field.EVENT: Event.CHANNEL,
        Field.CONSUMER: handled.consumer,
        Field.CHANNEL: handled.channel,
        Field.MESSAGE_TYPE: handled.type,
        Field.DURATION_MS: milliseconds,
    }
    _add_work(line, handled.queries, handled.calls)
    _add_failure(line, handled.failure)
    _write(_consumers, level, line)


@lru_cache(maxsize=1)
def _tellers() -> dict[type[Record], Callable[[Any], None]]:
    """By kind of record. All are imported with the first: saves 73 M of `check`'s 225 M over bare."""
    from django_observe import records

    return {
        records.Exchange: _report_exchange,
        records.TaskRun: _report_task,
        records.UnrunTask: _report_unrun,
        records.WebSocket: _report_websocket,
        records.ChannelMessage: _report_channel_message,
    }


def _is_written(logger: logging.Logger, level: int) -> bool:
    """Asked before a line is made: one held back in tests is not (saves 25k of a request's or task's)."""
    return logger.isEnabledFor(level) and not (are_tests_quiet() and sole_output(logger) is not None)


def _begun(logger: logging.Logger, level: int, message: str, about: Told) -> dict[str, Any]:
    """A line with the fields that all have, to which its own are added."""
    trace = about.trace
    trace_id, span_id = (trace.trace_id, trace.span_id) if trace is not None else (None, None)
    context = (about.correlation_id, trace_id, span_id)
    return core(time(), logging.getLevelName(level), logger.name, message, context)


def _add_work(line: dict[str, Any], queries: QueryStats, calls: CallStats) -> None:
    line[Field.DB_COUNT] = queries.count
    line[Field.DB_MS] = _milliseconds(queries.seconds)
    line[Field.HTTP_COUNT] = calls.count
    line[Field.HTTP_MS] = _milliseconds(calls.seconds)
    if queries.count:
        line[Field.DB_REPEAT] = queries.repeat


def _write(logger: logging.Logger, level: int, line: dict[str, Any]) -> None:
    output = sole_output(logger)
    if output is not None:
        text = ""
        with _guard:
            text = encoded(line)
            output.write(text)
        if text:
            return
    record = logger.makeRecord(logger.name, level, "", 0, line[Field.MESSAGE], (), None)
    mark(record, (line[Field.CORRELATION_ID], line[Field.TRACE_ID], line[Field.SPAN_ID]))
    keep(record, FIELDS, dict(islice(line.items(), len(CORE), None)))
    logger.handle(record)


def _add_failure(line: dict[str, Any], failure: Failure | None) -> None:
    if failure is not None:
        line[Field.ERROR_TYPE] = failure.type
        line[Field.ERROR_MESSAGE] = failure.message
        line[Field.STACK] = failure.stack


def _milliseconds(seconds: float) -> float:
    # not round(..., 3), which prints and parses: three times in a line, of which two are 0 (saves 7k a line)
    return round(seconds * 1_000_000) / 1_000 if seconds else 0.0
