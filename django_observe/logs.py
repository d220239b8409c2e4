"""The log reporter: one line per request, task and WebSocket, and per message of a Channels worker."""

from __future__ import annotations

import logging
from typing import Any

from django_observe import privacy
from django_observe.logcontext import FIELDS, ContextFilter, mark
from django_observe.logwiring import for_celery, install
from django_observe.records import (
    CallStats,
    ChannelMessage,
    Exchange,
    Failure,
    QueryStats,
    Record,
    TaskEvent,
    TaskRun,
    WebSocket,
)
from django_observe.vocabulary import Event, Field, LoggerName

__all__ = ["ContextFilter", "for_celery", "install", "report"]

_SERVER_ERROR, _CLIENT_ERROR = 500, 400
_TASK_LEVELS = {"FAILURE": logging.ERROR, "RETRY": logging.WARNING, "REJECTED": logging.WARNING}

_requests = logging.getLogger(LoggerName.REQUEST)
_tasks = logging.getLogger(LoggerName.TASK)
_consumers = logging.getLogger(LoggerName.CONSUMER)


def report(record: Record) -> None:
    """Writes the line of a request, a run, or a task that will not run; a quiet request only if it failed."""
    if isinstance(record, Exchange):
        _report_exchange(record)
    elif isinstance(record, TaskRun):
        _report_task(record)
    elif isinstance(record, TaskEvent) and record.correlation_id is not None:
        _report_unrun(record)
    elif isinstance(record, WebSocket):
        _report_websocket(record)
    elif isinstance(record, ChannelMessage):
        _report_channel_message(record)


def _report_exchange(exchange: Exchange) -> None:
    failed = exchange.status >= _SERVER_ERROR or exchange.failure is not None
    level = logging.ERROR if failed else logging.INFO
    if exchange.quiet and exchange.status < _CLIENT_ERROR and not (failed or exchange.aborted):
        return
    if not _requests.isEnabledFor(level):
        return
    path = privacy.scrub_path(exchange.path, exchange.route)
    milliseconds = _milliseconds(exchange.seconds)
    fields: dict[str, Any] = {
        Field.EVENT: Event.REQUEST_ABORTED if exchange.aborted else Event.REQUEST,
        Field.METHOD: exchange.method,
        Field.ROUTE: exchange.route,
        Field.PATH: path,
        Field.STATUS: exchange.status,
        Field.DURATION_MS: milliseconds,
        **_work(exchange.queries, exchange.calls),
    }
    if exchange.queue_seconds is not None:
        fields[Field.QUEUE_MS] = _milliseconds(exchange.queue_seconds)
    if exchange.user_id is not None:
        fields[Field.USER_ID] = exchange.user_id
    if exchange.client_ip is not None:
        fields[Field.CLIENT_IP] = exchange.client_ip
    if exchange.bytes_out is not None:
        fields[Field.BYTES_OUT] = exchange.bytes_out
    if exchange.client_correlation_id is not None:
        fields[Field.CLIENT_CORRELATION_ID] = exchange.client_correlation_id
    _add_failure(fields, exchange.failure)
    message = f"{exchange.method} {path} {exchange.status} {milliseconds:.1f} ms"
    _write(_requests, level, message, fields, exchange)


def _report_task(run: TaskRun) -> None:
    level = _TASK_LEVELS.get(run.state, logging.INFO)
    if not _tasks.isEnabledFor(level):
        return
    milliseconds = _milliseconds(run.seconds)
    fields: dict[str, Any] = {
        Field.EVENT: Event.TASK,
        Field.TASK: run.task,
        Field.TASK_ID: run.task_id,
        Field.QUEUE: run.queue,
        Field.STATE: run.state,
        Field.ATTEMPT: run.attempt,
        Field.DURATION_MS: milliseconds,
    }
    if run.queue_wait_seconds is not None:
        fields[Field.QUEUE_WAIT_MS] = _milliseconds(run.queue_wait_seconds)
    if run.clock_skew_seconds is not None:
        fields[Field.CLOCK_SKEW_MS] = _milliseconds(run.clock_skew_seconds)
    if run.schedule is not None:
        fields[Field.SCHEDULE] = run.schedule
    if run.redelivered:
        fields[Field.REDELIVERED] = True
    fields |= _work(run.queries, run.calls)
    _add_failure(fields, run.failure)
    _write(_tasks, level, f"{run.task} {run.state} {milliseconds:.1f} ms", fields, run)


def _report_unrun(event: TaskEvent) -> None:
    level = _TASK_LEVELS.get(event.state, logging.INFO)
    if not _tasks.isEnabledFor(level):
        return
    fields: dict[str, Any] = {
        Field.EVENT: Event.TASK,
        Field.TASK: event.task,
        Field.TASK_ID: event.task_id,
        Field.QUEUE: event.queue,
        Field.STATE: event.state,
    }
    _write(_tasks, level, f"{event.task} {event.state}", fields, event)


def _report_websocket(socket: WebSocket) -> None:
    level = logging.ERROR if socket.failure is not None else logging.INFO
    if not _consumers.isEnabledFor(level):
        return
    path = privacy.scrub_path(socket.path, socket.route or "")
    milliseconds = _milliseconds(socket.seconds)
    fields: dict[str, Any] = {
        Field.EVENT: Event.WEBSOCKET_ABORTED if socket.aborted else Event.WEBSOCKET,
        Field.CONSUMER: socket.consumer,
        Field.ROUTE: socket.route,
        Field.PATH: path,
        Field.STATUS: socket.status,
        Field.CLOSE_CODE: socket.close_code,
        Field.MESSAGES_RECEIVED: socket.received,
        Field.MESSAGES_SENT: socket.sent,
        Field.DURATION_MS: milliseconds,
        Field.USER_ID: socket.user_id,
        Field.CLIENT_IP: socket.client_ip,
        Field.CLIENT_CORRELATION_ID: socket.client_correlation_id,
        **_work(socket.queries, socket.calls),
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    _add_failure(fields, socket.failure)
    outcome = socket.close_code or ("aborted" if socket.aborted else socket.status)
    _write(_consumers, level, f"websocket {path} {outcome} {milliseconds:.1f} ms", fields, socket)


def _report_channel_message(handled: ChannelMessage) -> None:
    level = logging.ERROR if handled.failure is not None else logging.INFO
    if not _consumers.isEnabledFor(level):
        return
    milliseconds = _milliseconds(handled.seconds)
    fields: dict[str, Any] = {
        Field.EVENT: Event.CHANNEL,
        Field.CONSUMER: handled.consumer,
        Field.CHANNEL: handled.channel,
        Field.MESSAGE_TYPE: handled.type,
        Field.DURATION_MS: milliseconds,
        **_work(handled.queries, handled.calls),
    }
    _add_failure(fields, handled.failure)
    _write(_consumers, level, f"{handled.channel} {handled.type} {milliseconds:.1f} ms", fields, handled)


def _work(queries: QueryStats, calls: CallStats) -> dict[str, Any]:
    work: dict[str, Any] = {
        Field.DB_COUNT: queries.count,
        Field.DB_MS: _milliseconds(queries.seconds),
        Field.HTTP_COUNT: calls.count,
        Field.HTTP_MS: _milliseconds(calls.seconds),
    }
    if queries.count:
        work[Field.DB_REPEAT] = queries.repeat
    return work


def _write(
    logger: logging.Logger,
    level: int,
    message: str,
    fields: dict[str, Any],
    about: Exchange | TaskRun | TaskEvent | WebSocket | ChannelMessage,
) -> None:
    record = logger.makeRecord(logger.name, level, "", 0, message, (), None)
    trace = about.trace
    if trace is None:
        mark(record, (about.correlation_id, None, None))
    else:
        mark(record, (about.correlation_id, trace.trace_id, trace.span_id))
    record.__dict__[FIELDS] = fields
    logger.handle(record)


def _add_failure(fields: dict[str, Any], failure: Failure | None) -> None:
    if failure is not None:
        fields[Field.ERROR_TYPE] = failure.type
        fields[Field.ERROR_MESSAGE] = failure.message
        fields[Field.STACK] = failure.stack


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 3)
