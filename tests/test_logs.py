"""Request and task lines, and the wiring of logging around what the project has of its own."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from _pytest.logging import LogCaptureHandler
from django.conf import settings
from django.core import mail
from django.test import Client, RequestFactory, override_settings
from django.test.utils import _TestState
from django.utils import log

from django_observe import conf, failurenotice, logs, logway, logwiring, otlplogs, reporting, serverlogs
from django_observe.json import JsonFormatter
from django_observe.logcontext import ContextFilter
from django_observe.loghandler import OncePerFact, Output
from django_observe.logroot import Takeover
from django_observe.observation import Observation
from django_observe.records import (
    CallStats,
    Exchange,
    Failure,
    NewConnection,
    QueryStats,
    TaskEvent,
    TaskRun,
    TraceContext,
    UnrunTask,
)
from django_observe.vocabulary import LoggerName

CORE = {
    *("timestamp", "level", "logger", "message", "service", "environment", "version"),
    *("correlation_id", "trace_id", "span_id"),
}
TRACE = TraceContext("0" * 31 + "a", "0" * 15 + "b", sampled=True)
FAILURE = Failure("ValueError", "boom", "Traceback ...\nValueError: boom")

Exported: TypeAlias = Callable[..., list[str]]

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


class State:
    """All of Python's logging that the wiring may touch, to be put back."""

    NAMES = ("", *LoggerName.__dict__.values(), "django", "django.server", *serverlogs.LOGGERS)

    def __init__(self) -> None:
        self.loggers = [logging.getLogger(name) for name in self.NAMES if isinstance(name, str)]
        self.kept = [(each, list(each.handlers), each.level, each.propagate) for each in self.loggers]
        self.output, self.takeover = logwiring._output, logwiring._takeover

    def restore(self) -> None:
        for logger, handlers, level, propagate in self.kept:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
        logwiring._output, logwiring._takeover = self.output, self.takeover


@pytest.fixture
def stdout(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """A stdout of its own, with logging as it is before the package is installed."""
    state, stream = State(), io.StringIO()
    for logger in state.loggers:
        logger.handlers[:] = []
        logger.__dict__.pop("callHandlers", None)
    logwiring._output, logwiring._takeover = None, Takeover()
    monkeypatch.setattr(sys, "stdout", stream)
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        logs.install()
        yield stream
    state.restore()
    logs.install()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    stream.seek(0)
    stream.truncate()
    return found


def told(stream: io.StringIO, record: Exchange | TaskRun) -> dict[str, Any]:
    logs.report(record)
    (line,) = lines(stream)
    return line


def exchange(**changes: Any) -> Exchange:
    return Exchange(
        **{
            "correlation_id": "order-import-7",
            "method": "GET",
            "path": "/orders/7/",
            "route": "orders/<int:pk>/",
            "status": 200,
            "seconds": 0.0123456,
            **changes,
        }
    )


def run(**changes: Any) -> TaskRun:
    return TaskRun(
        **{
            "correlation_id": "order-import-7",
            "task": "shop.tasks.charge",
            "task_id": "t-1",
            "queue": "celery",
            "state": "SUCCESS",
            "seconds": 0.5,
            **changes,
        }
    )


def test_the_line_of_a_plain_request(stdout: io.StringIO) -> None:
    line = told(stdout, exchange())
    assert set(line) == CORE | {
        *("event", "method", "route", "path", "status", "duration_ms"),
        *("db_count", "db_ms", "http_count", "http_ms"),
    }
    assert (line["event"], line["level"], line["logger"]) == ("request", "INFO", "django_observe.request")
    assert line["message"] == "GET /orders/7/ 200 12.3 ms"
    assert (line["status"], line["duration_ms"], line["db_count"], line["db_ms"]) == (200, 12.346, 0, 0.0)
    assert (line["correlation_id"], line["trace_id"], line["span_id"]) == ("order-import-7", None, None)


def test_the_line_of_a_request_with_everything(stdout: io.StringIO) -> None:
    line = told(
        stdout,
        exchange(
            status=500,
            trace=TRACE,
            client_correlation_id="from-a-stranger",
            queue_seconds=0.25,
            queries=QueryStats(5, 0.002, 4),
            calls=CallStats(1, 0.1),
            user_id="42",
            client_ip="10.0.0.9",
            bytes_out=512,
            failure=FAILURE,
        ),
    )
    expected = {
        "level": "ERROR",
        "trace_id": TRACE.trace_id,
        "span_id": TRACE.span_id,
        "queue_ms": 250.0,
        "db_count": 5,
        "db_ms": 2.0,
        "db_repeat": 4,
        "http_count": 1,
        "http_ms": 100.0,
        "user_id": "42",
        "client_ip": "10.0.0.9",
        "bytes_out": 512,
        "client_correlation_id": "from-a-stranger",
        "error_type": "ValueError",
        "error_message": "boom",
        "stack": FAILURE.stack,
    }
    assert {name: line[name] for name in expected} == expected


def test_levels_and_events_of_requests(stdout: io.StringIO) -> None:
    assert told(stdout, exchange(status=404))["level"] == "INFO"
    assert told(stdout, exchange(status=503))["level"] == "ERROR"
    assert told(stdout, exchange(failure=FAILURE))["level"] == "ERROR"
    aborted = told(stdout, exchange(status=499, aborted=True))
    assert (aborted["event"], aborted["level"]) == ("request_aborted", "INFO")


def test_a_quiet_request_is_told_only_when_it_fails(stdout: io.StringIO) -> None:
    logs.report(exchange(quiet=True))
    logs.report(exchange(quiet=True, status=302))
    assert lines(stdout) == []
    for failing in ({"status": 404}, {"status": 500}, {"failure": FAILURE}, {"aborted": True}):
        assert told(stdout, exchange(quiet=True, **failing))["event"].startswith("request")


def test_the_line_of_a_task(stdout: io.StringIO) -> None:
    line = told(stdout, run(queue_wait_seconds=0.02, attempt=2, trace=TRACE))
    expected = {
        "event": "task",
        "task": "shop.tasks.charge",
        "task_id": "t-1",
        "queue": "celery",
        "state": "SUCCESS",
        "attempt": 2,
        "duration_ms": 500.0,
        "queue_wait_ms": 20.0,
        "logger": "django_observe.task",
        "level": "INFO",
        "trace_id": TRACE.trace_id,
        "message": "shop.tasks.charge SUCCESS 500.0 ms",
        "correlation_id": "order-import-7",
    }
    assert {name: line[name] for name in expected} == expected
    absent = {"queue_wait_ms", "clock_skew_ms", "schedule", "redelivered"}
    assert absent & told(stdout, run()).keys() == set()


def test_the_line_of_a_task_tells_how_it_was_delivered(stdout: io.StringIO) -> None:
    line = told(stdout, run(clock_skew_seconds=2.5, schedule="every night", redelivered=True))
    assert (line["clock_skew_ms"], line["schedule"], line["redelivered"]) == (2500.0, "every night", True)


def test_a_task_that_will_not_run_has_a_line(stdout: io.StringIO) -> None:
    task: dict[str, Any] = {"task": "shop.tasks.charge", "task_id": "t-1", "queue": "celery"}
    logs.report(TaskEvent(**task, state="RECEIVED"))
    logs.report(UnrunTask(**task, state="REJECTED", correlation_id="order-import-7", trace=TRACE))
    logs.report(UnrunTask(**task, state="REVOKED", correlation_id="order-import-7"))
    rejected, revoked = lines(stdout)
    expected = {"event": "task", **task, "state": "REJECTED", "level": "WARNING", "trace_id": TRACE.trace_id}
    assert rejected.items() >= {**expected, "correlation_id": "order-import-7"}.items()
    assert (revoked["state"], revoked["level"], revoked["trace_id"]) == ("REVOKED", "INFO", None)


@pytest.mark.parametrize(
    ("state", "level"),
    [("FAILURE", "ERROR"), ("RETRY", "WARNING"), ("REJECTED", "WARNING"), ("IGNORED", "INFO")],
)
def test_levels_of_tasks(stdout: io.StringIO, state: str, level: str) -> None:
    line = told(stdout, run(state=state, failure=FAILURE))
    assert (line["level"], line["state"], line["error_type"]) == (level, state, "ValueError")


def test_other_records_have_no_line(stdout: io.StringIO) -> None:
    logs.report(NewConnection(alias="default", vendor="sqlite"))
    assert lines(stdout) == []


def test_the_projects_own_lines_come_in_the_same_shape(stdout: io.StringIO) -> None:
    logging.getLogger("shop").info("placed", extra={"basket": 3})
    logging.getLogger("shop").debug("too quiet")
    (line,) = lines(stdout)
    assert line["basket"] == 3
    assert set(line) == CORE | {"basket"}


def test_installing_again_and_again_adds_nothing(stdout: io.StringIO) -> None:
    for _ in range(5):
        logs.install()
    root = logging.getLogger()
    assert sum(isinstance(handler, Output) for handler in root.handlers) == 1
    assert sum(isinstance(each, ContextFilter) for each in root.handlers[0].filters) == 1
    logging.getLogger("shop").warning("once")
    logs.report(exchange())
    assert len(lines(stdout)) == 2


def test_djangos_console_handlers_make_way_and_its_mails_stay(stdout: io.StringIO) -> None:
    django, server, mails = logging.getLogger("django"), logging.getLogger("django.server"), logging.Handler()
    django.handlers[:] = [logging.StreamHandler(), mails]
    server.handlers[:] = [logging.StreamHandler()]
    server.propagate = False
    logs.install()
    assert django.handlers == [mails]
    assert server.handlers == [logwiring._output]


def test_the_level_of_the_settings_is_roots_but_only_when_it_changes(stdout: io.StringIO) -> None:
    root = logging.getLogger()
    assert root.level == logging.INFO
    root.setLevel(logging.ERROR)
    logs.install()
    assert root.level == logging.ERROR
    with override_settings(DJANGO_OBSERVE={"LOG_LEVEL": "DEBUG"}):
        assert root.level == logging.DEBUG


def test_a_projects_own_logging_only_learns_the_id(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stdout)
    root, own = logging.getLogger(), logging.StreamHandler(io.StringIO())
    formatter = logging.Formatter("%(correlation_id)s %(message)s")
    own.setFormatter(formatter)
    root.handlers[:], logwiring._output = [own], None
    for name in logwiring.OURS:
        logging.getLogger(name).handlers.clear()
    root.setLevel(logging.WARNING)
    with override_settings(LOGGING={"version": 1, "disable_existing_loggers": False}):
        logs.install()
        assert root.handlers == [own]
        assert root.level == logging.WARNING
        assert own.formatter is formatter
        logging.getLogger("shop").warning("hello")
        assert own.stream.getvalue() == "- hello\n"
        assert told(stdout, exchange())["event"] == "request"
        assert own.stream.getvalue() == "- hello\n"


def test_with_logs_off_logging_stays_as_it_is(stdout: io.StringIO) -> None:
    root, console = logging.getLogger(), logging.StreamHandler()
    root.handlers[:], logging.getLogger("django").handlers[:] = [], [console]
    with override_settings(DJANGO_OBSERVE={"LOGS": False}):
        logs.install()
        assert root.handlers == []
        assert logging.getLogger("django").handlers == [console]


Wiring: TypeAlias = list[tuple[set[logging.Handler], int]]


def wiring() -> Wiring:
    """Handlers and level of each logger that is touched, but for pytest's own handlers."""
    return [
        ({each for each in logger.handlers if not isinstance(each, LogCaptureHandler)}, logger.level)
        for logger in map(logging.getLogger, ("", "django", "django.server"))
    ]


@pytest.fixture
def untouched(stdout: io.StringIO) -> Iterator[Wiring]:
    """Logging as Django leaves it, with LOGS off."""
    root, django, server = map(logging.getLogger, ("", "django", "django.server"))
    with override_settings(DJANGO_OBSERVE={"LOGS": False}):
        root.handlers.clear()
        root.setLevel(logging.WARNING)
        django.handlers[:] = [logging.StreamHandler(), logging.Handler()]
        server.handlers[:], server.propagate = [logging.StreamHandler()], False
        yield wiring()


def test_logs_on_for_a_while_leave_logging_as_it_was(untouched: Wiring, stdout: io.StringIO) -> None:
    for _ in range(2):
        with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}):
            logging.getLogger("shop").debug("hello")
            assert [line["message"] for line in lines(stdout)] == ["hello"]
        assert wiring() == untouched


def test_logs_off_for_a_while_give_root_back_and_take_it_again(
    untouched: Wiring, stdout: io.StringIO
) -> None:
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        taken = wiring()
        with override_settings(DJANGO_OBSERVE={"LOGS": False}):
            logging.getLogger("shop").warning("not ours")
            assert wiring() == untouched
        assert lines(stdout) == []
        assert wiring() == taken


def test_a_level_that_somebody_else_has_set_stays_when_root_is_left(
    untouched: Wiring,
) -> None:
    root = logging.getLogger()
    with override_settings(DJANGO_OBSERVE={}):
        root.setLevel(logging.ERROR)
    assert root.level == logging.ERROR


def test_logging_applied_anew_is_not_doubled_by_what_was_removed_before(
    untouched: Wiring,
) -> None:
    with override_settings(DJANGO_OBSERVE={}):
        log.configure_logging(settings.LOGGING_CONFIG, {})
        own: dict[str, Any] = {"version": 1, "root": {"handlers": [], "level": "INFO"}}
        with override_settings(LOGGING=own):
            log.configure_logging(settings.LOGGING_CONFIG, own)
            consoles = [type(each) for each in logging.getLogger("django").handlers]
            assert consoles.count(logging.StreamHandler) == 1
            assert logging.getLogger().level == logging.INFO


def test_basic_config_counts_as_logging_of_the_project(stdout: io.StringIO) -> None:
    root = logging.getLogger()
    root.handlers[:] = [logging.StreamHandler(sys.stderr)]
    logs.install()
    assert not any(isinstance(handler, Output) for handler in root.handlers)


@pytest.mark.parametrize("disable", [True, False])
def test_django_set_up_once_more_changes_nothing(stdout: io.StringIO, disable: bool) -> None:
    """As `get_wsgi_application` does under runserver: LOGGING is applied anew, to loggers that exist."""
    own = {
        "version": 1,
        "disable_existing_loggers": disable,
        "formatters": {"own": {"format": "%(correlation_id)s %(message)s"}},
        "handlers": {"own": {"class": "logging.StreamHandler", "stream": stdout, "formatter": "own"}},
        "loggers": {"shop": {"handlers": ["own"]}},
    }
    with override_settings(LOGGING=own, DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        logging.getLogger().handlers.clear()
        log.configure_logging(settings.LOGGING_CONFIG, own)
        logging.getLogger("shop").warning("hello")
        assert stdout.getvalue() == "- hello\n"
        stdout.seek(0)
        stdout.truncate()
        assert told(stdout, exchange())["status"] == 200
        assert told(stdout, run())["state"] == "SUCCESS"
    logging.getLogger("shop").handlers.clear()
    log.configure_logging(settings.LOGGING_CONFIG, {})
    plain = [type(handler) for handler in logging.getLogger("django").handlers]
    assert logging.StreamHandler not in plain
    assert logging.getLogger("django.server").handlers == [logwiring._output]


def test_a_logging_that_names_our_logger_wins(stdout: io.StringIO) -> None:
    logger, stream = logging.getLogger(LoggerName.REQUEST), io.StringIO()
    own = logging.StreamHandler(stream)
    own.setFormatter(logging.Formatter("%(correlation_id)s %(message)s"))
    logger.handlers[:] = [own]
    logger.disabled = True
    logs.install()
    logs.report(exchange())
    assert stream.getvalue() == "order-import-7 GET /orders/7/ 200 12.3 ms\n"
    assert lines(stdout) == []


def test_our_lines_meet_no_handler_of_the_project(
    stdout: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger().addHandler(caplog.handler)
    logs.report(exchange())
    logs.report(run(state="FAILURE"))
    logging.getLogger("shop").info("the project's own")
    assert [record.name for record in caplog.records] == ["shop"]


def test_caplog_attached_anew_does_not_meet_our_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Pytest attaches it to root and to all loggers that do not propagate."""
    Client().get("/ok/")
    assert [record.name for record in caplog.records if record.name.startswith("django_observe")] == []


@pytest.mark.parametrize("path", ["/nope/?token=canary", "/denied/?token=canary", "/boom/?token=canary"])
def test_a_failed_request_has_exactly_one_line(stdout: io.StringIO, path: str) -> None:
    Client(raise_request_exception=False).get(path)
    (line,) = lines(stdout)
    assert line["event"] == "request"
    assert "canary" not in json.dumps(line)


def test_health_checks_have_no_line_while_all_is_well(stdout: io.StringIO) -> None:
    Client().get("/healthz")
    Client().get("/metrics")
    assert lines(stdout) == []


def record_of(name: str, message: str, *args: Any, **attributes: Any) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.WARNING, "", 0, message, args, None)
    record.__dict__.update(attributes)
    return record


def test_what_our_lines_say_already_is_stopped_and_everything_else_stays() -> None:
    seen, unseen = RequestFactory().get("/"), RequestFactory().get("/")
    Observation(seen)
    context = {"name": "t", "id": "1", "description": "raised unexpected"}
    internal = {**context, "description": "INTERNAL ERROR"}
    stopped = [
        record_of("django.request", "Not Found: %s", "/", request=seen),
        record_of("django.server", '"%s" %s %s', "GET /", "404", "9"),
        record_of("uvicorn.access", '%s - "%s"'),
        record_of("gunicorn.access", "%(h)s"),
        record_of("celery.app.trace", "Task %(name)s[%(id)s] %(description)s: %(exc)s", context),
        record_of("celery.worker.strategy", "Task %(name)s[%(id)s] received", context),
    ]
    kept = [
        record_of("django.request", "Not Found: %s", "/", request=unseen),
        record_of("django.server", "- Broken pipe from %s", "127.0.0.1"),
        record_of("django.security.DisallowedHost", "Invalid HTTP_HOST", request=seen),
        record_of("uvicorn.error", "Started"),
        record_of("celery.app.trace", "Task %(name)s[%(id)s] %(description)s: %(exc)s", internal),
        record_of("celery.worker.request", "Task handler raised error: %r", "x"),
        record_of("shop", "hello"),
    ]
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        once = OncePerFact()
        assert [once.filter(record) for record in stopped] == [False] * len(stopped)
        assert [once.filter(record) for record in kept] == [True] * len(kept)
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "LOGS": "django_observe.logs.report"}):
        assert [once.filter(record) for record in stopped] == [False] * len(stopped)
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "LOGS": False}):
        assert all(once.filter(record) for record in stopped)
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json", "CELERY": False}):
        assert [once.filter(record) for record in stopped] == [False] * 4 + [True] * 2


def test_a_line_of_django_has_the_id_of_its_request_where_it_is_not_stopped(stdout: io.StringIO) -> None:
    logging.getLogger("django.request").addFilter(keep := Keep())
    try:
        response = Client().get("/nope/")
    finally:
        logging.getLogger("django.request").removeFilter(keep)
    (line,) = [json.loads(line) for line in keep.lines]
    assert line["correlation_id"] == response["X-Correlation-ID"]


class Keep(logging.Filter):
    """Formats what passes a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        self.lines.append(JsonFormatter().format(record))
        return True


def test_a_test_run_is_not_flooded_unless_asked(stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DJANGO_OBSERVE={}):
        Client(raise_request_exception=False).get("/ok/")
        logging.getLogger("shop").info("an info")
        logging.getLogger("django.security").error("Django prints nothing in tests, either")
        assert lines(stdout) == []
        logging.getLogger("shop").warning("a warning")
        Client(raise_request_exception=False).get("/boom/")
        assert [line["logger"] for line in lines(stdout)] == ["shop"]
        monkeypatch.delattr(_TestState, "saved_data")
        Client().get("/ok/")
        assert len(lines(stdout)) == 1


@override_settings(DJANGO_OBSERVE={}, MAILERS={"default": {"BACKEND": LOCMEM}})
def test_a_mail_kept_in_memory_does_not_make_it_a_test_run(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(_TestState, "saved_data")
    mail.send_mail("subject", "text", "a@shop.example", ["b@shop.example"])
    assert hasattr(mail, "outbox")
    logger = logging.getLogger("shop.mails")
    logger.setLevel(logging.INFO)  # root has Python's own level under pytest
    logger.info("an info")
    logging.getLogger("django.security").error("of Django's")
    assert [line["level"] for line in lines(stdout)] == ["INFO", "ERROR"]


def test_servers_own_lines_get_the_same_shape_on_their_own_stream(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", stderr)
    error, access = logging.getLogger("gunicorn.error"), logging.getLogger("uvicorn.access")
    file = logging.StreamHandler(io.StringIO())
    error.handlers[:] = [logging.StreamHandler(), file]
    access.handlers[:] = [logging.StreamHandler(stdout)]
    error.propagate = access.propagate = False
    error.setLevel(logging.INFO)
    for _ in range(2):
        logs.install()
    error.info("Booting worker", extra={"color_message": "\x1b[1mBooting"})
    access.warning('%s - "%s"', "127.0.0.1", "GET /?token=canary")
    assert [json.loads(line)["message"] for line in stderr.getvalue().splitlines()] == ["Booting worker"]
    assert lines(stdout) == []
    assert file.stream.getvalue() == "Booting worker\n"


def test_celery_leaves_logging_to_us_and_may_be_more_talkative(stdout: io.StringIO, tmp_path: Any) -> None:
    file = tmp_path / "worker.log"
    logs.for_celery(loglevel=logging.DEBUG, logfile=str(file), format="x", colorize=True)
    logging.getLogger("shop").debug("hello")
    assert [line["message"] for line in lines(stdout)] == ["hello"]
    assert json.loads(file.read_text())["message"] == "hello"
    logging.getLogger().handlers[-1].close()
    logs.for_celery(loglevel=logging.ERROR)
    assert logging.getLogger().level == logging.DEBUG


def test_a_worker_whose_project_configures_no_root_still_logs(stdout: io.StringIO) -> None:
    logging.getLogger().handlers.clear()
    with override_settings(LOGGING={"version": 1, "disable_existing_loggers": False}):
        logs.for_celery(loglevel=logging.WARNING)
        logging.getLogger("shop").info("hello")
    assert [line["message"] for line in lines(stdout)] == ["hello"]


def test_so_does_one_that_exports_its_lines(stdout: io.StringIO, exported: Exported) -> None:
    """The handler that exports is root's then, and writes nothing here."""
    logging.getLogger().handlers.clear()
    with override_settings(LOGGING={"version": 1, "disable_existing_loggers": False}):
        logs.for_celery(loglevel=logging.WARNING)
        logging.getLogger("shop").warning("hello")
    assert [line["message"] for line in lines(stdout)] == ["hello"]


def test_a_closed_stdout_costs_the_line_and_nothing_else(
    stdout: io.StringIO, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failurenotice, "_next", {})
    stdout.close()
    before = reporting.failures().get("logs", 0)
    logs.report(exchange())
    logging.getLogger("shop").error("lost")
    logs.install()
    assert reporting.failures()["logs"] > before + 1
    [told] = capfd.readouterr().err.splitlines()
    assert told.startswith("django_observe: logs: ValueError: I/O operation on closed file (")
    logwiring._output.setStream(io.StringIO())  # type: ignore[union-attr]


def test_a_stream_that_lacks_characters_gets_them_escaped() -> None:
    raw = io.BytesIO()
    handler = Output(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    handler.setFormatter(JsonFormatter())
    handler.handle(record_of("shop", "caf\xe9 \N{GRINNING FACE}"))
    assert json.loads(raw.getvalue())["message"] == "caf\xe9 \N{GRINNING FACE}"


def test_a_reader_that_stops_reading_blocks_only_who_writes() -> None:
    """No lock is held during a write: a filter that rejects, and another handler, go on."""

    class Stuck(io.StringIO):
        entered, free = threading.Event(), threading.Event()

        def write(self, text: str) -> int:
            if "stuck" in text:
                self.entered.set()
                self.free.wait(10)
            return super().write(text)

    stream = Stuck()
    handler = Output(stream)
    blocked = threading.Thread(target=handler.handle, args=(record_of("shop", "stuck"),))
    blocked.start()
    assert stream.entered.wait(10)
    handler.handle(record_of("shop", "free"))
    assert stream.getvalue() == "free\n"
    stream.free.set()
    blocked.join()
    assert stream.getvalue() == "free\nstuck\n"


def test_settings_that_change_change_the_format(stdout: io.StringIO) -> None:
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "console"}):
        logs.report(exchange())
        assert stdout.getvalue().endswith("INFO      GET /orders/7/ 200 12.3 ms  order-import-7\n")
    assert conf.settings().log_format == "json"
    stdout.seek(0)
    stdout.truncate()
    assert told(stdout, exchange())["status"] == 200


@pytest.mark.parametrize(
    ("terminal", "debug", "variables", "start"),
    [
        (False, True, {}, "{"),
        (True, False, {}, "{"),
        (True, True, {}, "\x1b[2m"),
        (True, True, {"NO_COLOR": "1"}, "2"),
        (True, True, {"TERM": "dumb"}, "2"),
    ],
)
def test_people_at_a_terminal_with_debug_get_their_own_format(
    stdout: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    *,
    terminal: bool,
    debug: bool,
    variables: dict[str, str],
    start: str,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.delattr(_TestState, "saved_data")
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000 * 10**9)  # read by logging in 3.13
    with override_settings(DJANGO_OBSERVE={}, DEBUG=debug):
        logs.report(exchange())
        assert stdout.getvalue().startswith(start)


def test_records_also_leave_by_otlp_where_the_environment_asks(
    stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("OTEL_LOGS_EXPORTER", "otlp")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        for _ in range(3):
            logs.install()
    exporters = [
        [handler for handler in logger.handlers if isinstance(handler, otlplogs.ExportHandler)]
        for logger in logway.ends()
    ]
    assert {logging.getLogger(), *map(logging.getLogger, logwiring.OURS)} <= set(logway.ends())
    assert {len(found) for found in exporters} == {1}
    (exporter,) = exporters[0]
    assert not exporter.filter(record_of("uvicorn.access", '%s - "%s"'))
    assert exporter.filter(record_of("shop", "hello"))


HANDLERS = {
    "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
    "null": {"class": "logging.NullHandler"},
}
APART = {"handlers": ["console"], "level": "INFO", "propagate": False}


@pytest.fixture
def exported(stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exported]:
    """Applies a LOGGING as a project has it, with export by OTLP; answers which lines were queued."""
    queued: list[str] = []
    before = {each: (list(each.handlers), each.level, each.propagate) for each in logway.known()}

    def export(loggers: dict[str, Any], *names: str) -> list[str]:
        given = {"version": 1, "disable_existing_loggers": False, "handlers": HANDLERS, "loggers": loggers}
        given["root"] = {"handlers": ["console"], "level": "INFO"}
        with override_settings(LOGGING=given):
            log.configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
            queued.clear()
            for name in names:
                logging.getLogger(name).info(name)
            return list(queued)

    with monkeypatch.context() as patch:
        patch.setenv("OTEL_LOGS_EXPORTER", "otlp")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        patch.setattr(otlplogs.ExportHandler, "emit", lambda _, record: queued.append(record.getMessage()))
        yield export
    for logger in logway.known():
        handlers, logger.level, logger.propagate = before.get(logger, ([], logging.NOTSET, True))
        logger.handlers[:] = handlers
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]


def test_a_logger_that_passes_nothing_on_is_exported_too(exported: Exported) -> None:
    names = ("loans", "loans.views", "shop", "django_observe.request")
    assert exported({"loans": APART}, *names) == list(names)


def test_no_line_is_exported_twice_however_loggers_are_nested(exported: Exported) -> None:
    loggers = {
        "loans": APART,
        "loans.audit": APART,
        "loans.views": {"handlers": ["console"]},
        "shop": {"propagate": False},
        "shop.pay": {"handlers": ["console"], "level": "INFO"},
        "shop.pay.card": {"handlers": ["console"]},
        "plain": {"handlers": ["console"]},
        "django_observe.task": APART,
    }
    names = ["loans", "loans.audit", "loans.audit.x", "loans.views", "shop.pay", "shop.pay.card", "plain"]
    names += ["django_observe.task", "django_observe.request"]
    assert exported(loggers, *names) == names


def test_what_is_silenced_or_a_servers_is_not_exported(exported: Exported) -> None:
    null = {"handlers": ["null"], "propagate": False}
    loggers = {
        "loans": null,
        "shop": {"propagate": False},
        "noisy": {**APART, "level": "ERROR"},
        "django.server": APART,
        "gunicorn.error": APART,
    }
    assert exported(loggers, *loggers, "loans.views") == []


def test_a_logger_kept_apart_may_decline_export(exported: Exported) -> None:
    loggers = {"audit": {**APART, "handlers": ["console", "null"]}, "shop": {"handlers": ["console", "null"]}}
    assert exported(loggers, "audit", "audit.cards", "shop") == ["shop"]


def test_a_librarys_own_null_handler_declines_nothing(exported: Exported) -> None:
    assert exported({"loans": APART}, "loans") == ["loans"]
    library = logging.getLogger("loans")
    library.addHandler(logging.NullHandler())
    assert library in logway.ends()
    library.handlers[-1].name = "nowhere_else"
    assert library not in logway.ends()


def test_a_logging_applied_anew_is_followed(exported: Exported) -> None:
    assert exported({"loans": APART}, "loans") == ["loans"]
    logging.getLogger("loans").propagate = True
    assert exported({}, "loans", "loans.views") == ["loans", "loans.views"]
    assert exported({"loans": {"handlers": ["null"], "propagate": False}}, "loans") == []


def test_opentelemetrys_own_handler_keeps_ours_from_what_it_hears_alone(exported: Exported) -> None:
    root = logging.getLogger()
    theirs = type("LoggingHandler", (logging.NullHandler,), {"__module__": "opentelemetry.sdk._logs"})()
    assert exported({"loans": APART}) == []
    root.addHandler(theirs)
    try:
        assert otlp_passes("loans")
        assert not otlp_passes("shop")
    finally:
        root.removeHandler(theirs)


def otlp_passes(name: str) -> bool:
    [exporter] = [each for each in logging.getLogger().handlers if isinstance(each, otlplogs.ExportHandler)]
    return bool(exporter.filter(record_of(name, "hello")))
