"""Management commands: a piece of work has an ID and a span, a server has none, and nothing else changes."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.test import Client, override_settings
from opentelemetry.context import get_current
from opentelemetry.trace import SpanKind, StatusCode

from django_observe import correlated, correlation_id
from django_observe.testing import Captured
from tests.collector import Collector
from tests.processes import Process

ROOT = Path(__file__).parent.parent
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Close(BaseCommand):
    """Does what its test says, and says what is bound."""

    requires_system_checks = ()

    def __init__(self, end: BaseException | None = None, inner: BaseCommand | None = None) -> None:
        super().__init__(stdout=StringIO(), stderr=StringIO())
        self.end, self.inner = end, inner
        self.seen: str | None = None

    def handle(self, *_: Any, **options: Any) -> str:
        self.seen = correlation_id()
        if self.inner is not None:
            call_command(self.inner)
        if self.end is not None:
            raise self.end
        return "closed"


def named(name: str, **more: Any) -> Close:
    """A command as if it came from the module `name` of some app's management commands."""
    command: Close = type("Command", (Close,), {"__module__": f"shop.management.commands.{name}"})(**more)
    return command


def test_a_command_has_an_id_while_it_runs() -> None:
    first, second = Close(), Close()
    before = get_current()
    assert call_command(first) == call_command(second) == "closed"
    assert get_current() is before
    assert first.seen is not None
    assert len(first.seen) == 32
    assert first.seen != second.seen


def test_its_span_is_a_root_with_the_same_id(captured: Captured) -> None:
    command = named("close_month")
    call_command(command)
    [span] = captured.spans
    assert (span.name, span.kind, span.parent) == ("manage.py close_month", SpanKind.INTERNAL, None)
    assert span.context is not None
    assert command.seen == f"{span.context.trace_id:032x}" == (span.attributes or {})["correlation_id"]
    assert captured.lines == []


def test_a_command_within_something_is_part_of_that(captured: Captured) -> None:
    inner = Close()
    with correlated("request-0001"):
        call_command(inner)
    assert inner.seen == "request-0001"
    outer = Close(inner=inner)
    call_command(outer)
    assert inner.seen == outer.seen
    assert len(captured.spans) == 1


@pytest.mark.parametrize(
    "name",
    [
        "runserver",
        "runserver_plus",
        "testserver",
        "test",
        "shell",
        "shell_plus",
        "dbshell",
        "db_worker",
        "qcluster",
        "procrastinate",
        "consume_orders",
        "listen",
        "order_listener",
        "run_telegram_bot",
        "rungunicorn",
        "daphne",
    ],
)
def test_a_command_that_serves_has_none(captured: Captured, name: str) -> None:
    command = named(name)
    call_command(command)
    assert command.seen is None
    assert captured.spans == []


@pytest.mark.parametrize(
    "name", ["migrate", "schedule_invoices", "check_servers", "testify", "purge_workers", "listening_report"]
)
def test_one_that_only_sounds_like_it_has_one(name: str) -> None:
    command = named(name)
    call_command(command)
    assert command.seen is not None


def test_djangos_own_have_no_span_but_for_migrate(captured: Captured) -> None:
    for module in ("django.core.management.commands.check", "django.core.management.commands.migrate"):
        command: Close = type("Command", (Close,), {"__module__": module})()
        call_command(command)
        assert command.seen is not None
    assert [span.name for span in captured.spans] == ["manage.py migrate"]


@override_settings(DJANGO_OBSERVE={"COMMANDS_WITHOUT_ID": ["close_*"]})
def test_a_project_says_which_serve() -> None:
    serving, other = named("close_queue"), named("shell")
    call_command(serving)
    call_command(other)
    assert serving.seen is None
    assert other.seen is not None


@pytest.mark.parametrize(
    "end", [CommandError("no month"), KeyError("month"), SystemExit(3), SystemExit("no")]
)
def test_an_end_with_an_error_passes_and_marks_the_span(captured: Captured, end: BaseException) -> None:
    command = Close(end)
    with pytest.raises(type(end)) as raised:
        call_command(command)
    assert raised.value is end
    assert raised.value.__context__ is None
    assert correlation_id() is None
    assert [span.status.status_code for span in captured.spans] == [StatusCode.ERROR]


@pytest.mark.parametrize("end", [SystemExit(0), SystemExit(), KeyboardInterrupt()], ids=repr)
def test_an_end_that_is_asked_for_is_no_error(captured: Captured, end: BaseException) -> None:
    with pytest.raises(type(end)):
        call_command(Close(end))
    assert [span.status.status_code for span in captured.spans] == [StatusCode.UNSET]


def test_a_command_with_its_own_execute_is_left_as_it_is() -> None:
    class Mine(Close):
        def execute(self, *args: Any, **options: Any) -> str:
            self.seen = correlation_id()
            return "mine"

    class Around(Close):
        def execute(self, *args: Any, **options: Any) -> str:
            return f"around {BaseCommand.execute(self, *args, **options)}"

    mine, around = Mine(), Around()
    assert (call_command(mine), call_command(around)) == ("mine", "around closed")
    assert mine.seen is None
    assert around.seen is not None


def test_it_is_wrapped_once() -> None:
    wrapped = BaseCommand.execute
    apps.get_app_config("django_observe").ready()
    assert BaseCommand.execute is wrapped or BaseCommand.execute.__wrapped__ is wrapped.__wrapped__  # type: ignore[attr-defined]
    assert not hasattr(wrapped.__wrapped__, "__wrapped__")  # type: ignore[attr-defined]
    assert list(inspect.signature(wrapped).parameters) == ["self", "args", "options"]


def test_a_request_within_a_command_is_a_piece_of_work_of_its_own(captured: Captured) -> None:
    class Serving(Close):
        def handle(self, *_: Any, **options: Any) -> str:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-correlation-id": "caller-0001"}
            Client().get("/", headers=headers)
            return super().handle()

    command = Serving()
    call_command(command)
    [request] = captured.requests()
    assert request.correlation_id == "caller-0001" != command.seen
    server = next(span for span in captured.spans if span.kind is SpanKind.SERVER)
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == PARENT


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture
def project(tmp_path: Path) -> dict[str, str]:
    """A project of one app with a command, as variables of its process."""
    folder = tmp_path / "shop" / "management" / "commands"
    folder.mkdir(parents=True)
    for package in (tmp_path / "shop", folder.parent, folder):
        (package / "__init__.py").touch()
    (tmp_path / "shopsettings.py").write_text("from tests.settings import *\nINSTALLED_APPS += ['shop']\n")
    (folder / "close_month.py").write_text(COMMAND)
    return {
        "DJANGO_SETTINGS_MODULE": "shopsettings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }


COMMAND = """
import hashlib, logging, os, signal, threading, time
from django.core.management.base import BaseCommand, CommandError
from opentelemetry import trace
from django_observe import exits

def speak_slowly():
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.5)

class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--end", default="well")

    def handle(self, *args, end, **options):
        logging.getLogger("shop").info("begun")
        if end == "badly":
            raise CommandError("no such month", returncode=4)
        if end == "forked" and os.fork() == 0:
            raise SystemExit(0)
        if end in ("never", "late"):
            with trace.get_tracer("shop").start_as_current_span("inner"):
                pass
        if end == "slow":
            print("calling", flush=True)
            hashlib.pbkdf2_hmac("sha256", b"", b"", 5_000_000)  # seconds in which no handler is called
        if end == "late":
            exits.before(speak_slowly)
            os.kill(os.getpid(), signal.SIGTERM)
        if end == "never":
            print("waiting", flush=True)
            while True:
                time.sleep(0.05)
        return "closed"
"""
ARGV = [sys.executable, "-m", "django", "close_month"]


def test_sigterm_ends_the_span_and_kills_as_ever(project: dict[str, str], collector: Collector) -> None:
    with Process([*ARGV, "--end", "never"], env={**project, **collector.environment}) as process:
        line = process.wait_for_line("begun")
        process.wait_for_line("waiting")
        assert process.stop() == -signal.SIGTERM
    command, inner = collector.span("manage.py close_month"), collector.span("inner")
    assert inner.parent_id == command.span_id
    assert command.trace_id in line
    assert command.attributes["correlation_id"] == inner.attributes["correlation_id"] == command.trace_id
    assert command.raw.status.code == 2


def test_sigterm_ends_a_long_call_while_nothing_is_to_be_sent(
    project: dict[str, str], collector: Collector
) -> None:
    with Process([*ARGV, "--end", "slow"], env={**project, **collector.environment}) as process:
        process.wait_for_line("calling")
        assert process.stop() == -signal.SIGTERM
        assert "closed" not in process.stdout


def test_a_command_that_is_done_before_the_last_word_dies_of_sigterm_all_the_same(
    project: dict[str, str], collector: Collector
) -> None:
    env = {**os.environ, **project, **collector.environment, "PYTHONUNBUFFERED": "1"}
    ran = subprocess.run([*ARGV, "--end", "late"], env=env, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (-signal.SIGTERM, b"closed")
    collector.span("inner")


def test_the_environment_is_continued(project: dict[str, str], collector: Collector) -> None:
    given = {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "X_CORRELATION_ID": "pipeline-0001"}
    run = subprocess.run(
        ARGV, env={**os.environ, **project, **collector.environment, **given}, capture_output=True, check=True
    )
    assert b'"correlation_id":"pipeline-0001"' in run.stdout
    command = collector.span("manage.py close_month")
    assert (command.trace_id, command.parent_id) == (TRACE, PARENT)


@pytest.mark.parametrize("end", ["well", "badly"])
def test_output_and_status_are_djangos(project: dict[str, str], end: str) -> None:
    def outcome(installed: str) -> tuple[int, bytes, bytes]:
        env = {**os.environ, **project, "DJANGO_SETTINGS_MODULE": installed}
        run = subprocess.run([*ARGV, "--end", end], env=env, capture_output=True, check=False)
        lines = [line for line in run.stdout.splitlines() if b"begun" not in line]
        return run.returncode, b"\n".join(lines), run.stderr

    folder = Path(project["PYTHONPATH"].split(os.pathsep)[0])
    without = "from shopsettings import *\nINSTALLED_APPS.remove('django_observe')\n"
    (folder / "without.py").write_text(without)
    assert outcome("shopsettings") == outcome("without")


def test_a_fork_ends_no_span_of_its_parents(project: dict[str, str], collector: Collector) -> None:
    env = {**os.environ, **project, **collector.environment}
    subprocess.run([*ARGV, "--end", "forked"], env=env, capture_output=True, check=True)
    collector.span("manage.py close_month")
    assert len({span.span_id for span in collector.spans()}) == len(collector.spans())


LOGS = {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_BLRP_SCHEDULE_DELAY": "60000"}
"""The first batch leaves at the end of the process."""

SCRIPT = """
import logging, os, django
django.setup()
from django_observe import correlated
with correlated("nightly-0001"):
    logging.getLogger("shop").info("begun")
"""
FORKING = (
    SCRIPT
    + """
if os.fork() == 0:
    logging.getLogger("shop").info("begun")
else:
    os.wait()
"""
)


@pytest.mark.parametrize("traces", ["otlp", "none"])
@pytest.mark.parametrize("argv", [ARGV, [sys.executable, "-c", SCRIPT]], ids=["command", "script"])
def test_a_short_process_loses_no_line(
    project: dict[str, str], collector: Collector, argv: list[str], traces: str
) -> None:
    env = {**os.environ, **project, **collector.environment, **LOGS, "OTEL_TRACES_EXPORTER": traces}
    ran = subprocess.run(argv, env=env, capture_output=True, check=True)
    assert [line.body for line in collector.logs()] == ["begun"]
    assert ran.stderr == b""


def test_nor_does_a_child_of_it_which_is_an_instance_of_its_own(
    project: dict[str, str], collector: Collector
) -> None:
    env = {**os.environ, **project, **collector.environment, **LOGS}
    ran = subprocess.run([sys.executable, "-c", FORKING], env=env, capture_output=True, check=True)
    assert [line.body for line in collector.logs()] == ["begun", "begun"]
    assert len({line.resource["service.instance.id"] for line in collector.logs()}) == 2
    assert b"lost" not in ran.stderr


def test_nor_one_whose_resource_has_something_to_log(project: dict[str, str], collector: Collector) -> None:
    wrong = {"OTEL_RESOURCE_ATTRIBUTES": "malformed", "OTEL_TRACES_EXPORTER": "none"}
    env = {**os.environ, **project, **collector.environment, **LOGS, **wrong}
    ran = subprocess.run(ARGV, env=env, capture_output=True, check=True, timeout=30)
    assert [line.body for line in collector.logs()] == ["begun"]
    assert b"malformed" in ran.stdout
