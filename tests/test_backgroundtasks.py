"""Django's background tasks: what travels with them and where, and runs that leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import django
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.dispatch import Signal
from django.test import override_settings
from django.utils import timezone
from opentelemetry.context import get_current
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from django_observe import (
    backgroundpublication,
    backgroundrun,
    correlated,
    correlation_id,
    reporting,
    tally,
    taskdelivery,
)
from django_observe.testing import Captured
from django_observe.testing import captured as capturing
from tests import settings

if django.VERSION < (5, 2):
    pytest.skip("django-tasks-db wants Django 5.2", allow_module_level=True)

from tests.backgroundproject import tasks
from tests.backgroundproject.library import (
    APPS,
    BACKENDS,
    DummyBackend,
    Task,
    TaskError,
    TaskResult,
    TaskResultStatus,
    task_enqueued,
    task_finished,
    task_started,
)
from tests.processes import wait_until

pytestmark = pytest.mark.django_db

ID = "order-4711.retry_2"
OTHER = "order-4712.retry_1"
TASKS = {
    "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "mail"]},
    "immediate": {"BACKEND": f"{BACKENDS}.immediate.ImmediateBackend", "QUEUES": []},
    "dummy": {"BACKEND": f"{BACKENDS}.dummy.DummyBackend"},
    "foreign": {"BACKEND": f"{__name__}.ForeignBackend"},
    "away": {"BACKEND": f"{__name__}.AwayBackend"},
}


class ForeignBackend(DummyBackend):
    """One whose worker says afterwards, and not while it handles the exception, how a run ended."""

    def work(self, fail: bool = False) -> None:
        result = self.results.pop()
        result.worker_ids.append("w")
        task_started.send(type(self), task_result=result)
        failures = [TaskError(exception_class_path="builtins.OSError", traceback="Traceback: token=s3cret")]
        result.errors.extend(failures if fail else [])
        status = TaskResultStatus.FAILED if fail else TaskResultStatus.SUCCESSFUL
        object.__setattr__(result, "status", status)
        task_finished.send(type(self), task_result=result)


class AwayBackend(DummyBackend):
    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        raise DatabaseError("the database is away")


@pytest.fixture(autouse=True)
def backends(db: None) -> Iterator[None]:
    """The backends, with the database backend's table; afterwards nothing is bound."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *APPS], TASKS=TASKS):
        with connection.cursor() as cursor:
            cursor.execute(*connection.schema_editor().table_sql(model()))
        before = get_current()
        yield
        assert get_current() == before
        assert (correlation_id(), tally.current()) == (None, None)


def model() -> Any:
    return apps.get_model("django_tasks_database", "DBTaskResult")


def stored() -> tuple[Any, Any]:
    """Arguments and return value of the newest row, as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args_kwargs, return_value FROM django_tasks_database_dbtaskresult")
        newest = cursor.fetchall()[-1]
    return json.loads(newest[0]), json.loads(newest[1] or "null")


def work() -> None:
    call_command("db_worker", batch=True, startup_delay=False, queue_name="*", verbosity=1)


def spans(captured: Captured, kind: SpanKind) -> list[ReadableSpan]:
    return [span for span in captured.spans if span.kind is kind]


def immediate(task: Any) -> Any:
    return task.using(backend="immediate")


def test_what_travels_lies_in_no_argument(captured: Captured) -> None:
    with correlated(ID):
        result = tasks.arguments.enqueue(1, 2, x=3)
    assert (result.args, result.kwargs) == ([1, 2], {"x": 3})
    given, travelling = stored()
    assert given == {"args": [1, 2], "kwargs": {"x": 3}}
    assert travelling["django_observe"]["x-correlation-id"] == ID
    work()
    result.refresh()
    assert result.return_value == [[1, 2], {"x": 3}, [1, 2], {"x": 3}, 1]
    assert stored() == (given, result.return_value)


def test_who_reads_the_row_finds_nothing_of_ours(django_assert_num_queries: Any) -> None:
    with correlated(ID), django_assert_num_queries(1):
        result = tasks.tell.enqueue()
    assert getattr(result, "db_result").return_value is None  # noqa: B009 - the database backend's own
    with django_assert_num_queries(2):
        assert model().objects.get().return_value is None
        assert "return_value" in model().objects.defer("return_value").get().get_deferred_fields()


def test_a_row_that_is_saved_again_before_its_run_keeps_it(captured: Captured) -> None:
    with correlated(ID):
        tasks.tell.enqueue()
    row = model().objects.get()
    row.priority = 7
    row.save()
    assert row.return_value is None
    work()
    assert [run.correlation_id for run in captured.tasks()] == [ID]


def test_a_row_that_was_made_otherwise_is_left_alone(captured: Captured) -> None:
    with correlated(ID):
        model().objects.create(
            args_kwargs={"args": [], "kwargs": {}},
            task_path=tasks.tell.module_path,
            backend_name="default",
            run_after=timezone.now(),
        )
    assert stored()[1] is None
    work()
    [run] = captured.tasks()
    assert run.state == "SUCCESS"
    assert run.correlation_id not in {ID, None}


def test_a_worker_runs_each_task_under_the_id_and_the_trace_of_its_enqueue(captured: Captured) -> None:
    for identifier in (ID, OTHER):
        with correlated(identifier):
            tasks.tell.using(queue_name="mail").enqueue()
    work()
    producers, consumers = spans(captured, SpanKind.PRODUCER), spans(captured, SpanKind.CONSUMER)
    assert [run.correlation_id for run in captured.tasks()] == [ID, OTHER]
    for producer, consumer, run in zip(producers, consumers, captured.tasks(), strict=True):
        assert consumer.parent is not None
        assert consumer.parent.span_id == producer.context.span_id
        row = model().objects.get(id=run.task_id)
        assert row.return_value["id"] == run.correlation_id
        assert row.return_value["span"] == f"{consumer.context.span_id:016x}"
        assert (producer.name, consumer.name) == ("enqueue mail", "run mail")
        assert dict(producer.attributes or {}) == {
            "messaging.system": "django_tasks",
            "messaging.operation.name": "enqueue",
            "messaging.operation.type": "send",
            "messaging.destination.name": "mail",
            "messaging.message.id": run.task_id,
            "code.function.name": tasks.tell.module_path,
            "correlation_id": run.correlation_id,
        }
        attributes = dict(consumer.attributes or {})
        assert attributes["messaging.operation.type"] == "process"
        assert float(str(attributes["django.tasks.queue_wait_ms"])) > 0


def test_the_polls_of_a_worker_are_no_traces(captured: Captured) -> None:
    work()
    assert captured.spans == []


def test_what_a_run_is_told_with(captured: Captured) -> None:
    tasks.boom.enqueue()
    work()
    [run] = captured.tasks()
    assert (run.system, run.task, run.queue, run.attempt) == (
        "django",
        "tests.backgroundproject.tasks.boom",
        "default",
        1,
    )
    assert run.failure is not None
    assert (run.state, run.failure.type, run.failure.message) == ("FAILURE", "ValueError", "no such order")
    assert run.queue_wait_seconds is not None
    [line] = [line for line in captured.lines if line.get("event") == "task"]
    assert (line["task_id"], line["error_type"]) == (run.task_id, "ValueError")
    [span] = spans(captured, SpanKind.CONSUMER)
    assert (span.status.status_code, span.events[0].name) == (StatusCode.ERROR, "exception")


def test_the_wait_is_by_the_clock_of_who_enqueued(captured: Captured) -> None:
    tasks.tell.enqueue()
    tasks.tell.using(run_after=timezone.now()).enqueue()
    model().objects.update(enqueued_at=timezone.now() - timedelta(hours=1))
    work()
    waits = [run.queue_wait_seconds or 0 for run in captured.tasks()]
    assert all(0 < wait < 59 for wait in waits), "counted from the row, which says an hour ago"


def test_metrics_are_its_own_and_not_celerys(captured: Captured) -> None:
    tasks.tell.enqueue()
    work()
    name = tasks.tell.module_path
    runtime = captured.sample(
        "django_task_runtime_seconds_count", name=name, queue_name="default", state="SUCCESS"
    )
    assert runtime == 1
    assert captured.sample("django_task_queue_wait_seconds_count", name=name, queue_name="default") == 1
    assert captured.sample("celery_task_runtime_count") == 0


@pytest.mark.parametrize("task", [tasks.tell, tasks.atell])
def test_an_immediate_run_is_part_of_what_enqueues_it(task: Any, captured: Captured) -> None:
    with correlated(ID):
        told = immediate(task).enqueue().return_value
        assert correlation_id() == ID
    [producer], [consumer] = spans(captured, SpanKind.PRODUCER), spans(captured, SpanKind.CONSUMER)
    assert told["id"] == ID
    assert told["span"] == f"{consumer.context.span_id:016x}"
    assert consumer.parent is not None
    assert consumer.parent.span_id == producer.context.span_id


def test_immediate_runs_nest(captured: Captured) -> None:
    before, inside, after = immediate(tasks.outer).enqueue().return_value
    assert before == after
    assert inside["id"] == before["id"]
    assert [len(spans(captured, kind)) for kind in (SpanKind.PRODUCER, SpanKind.CONSUMER)] == [2, 2]
    assert len({span.context.trace_id for span in captured.spans}) == 1


def test_a_task_that_a_task_enqueues_goes_on_under_its_id(captured: Captured) -> None:
    with correlated(ID):
        tasks.outer.enqueue()
    work()
    assert {run.correlation_id for run in captured.tasks()} == {ID}
    assert len(captured.tasks()) == 2


def test_concurrent_enqueues_do_not_mix(captured: Captured) -> None:
    async def one(number: int) -> tuple[str, str]:
        with correlated(f"identifier-{number}") as identifier:
            result = await immediate(tasks.atell).aenqueue()
            return identifier, result.return_value["id"]

    async def many() -> list[tuple[str, str]]:
        return await asyncio.gather(*(one(number) for number in range(20)))

    assert all(own == seen for own, seen in asyncio.run(many()))
    assert len(captured.tasks()) == 20


def test_an_enqueue_that_fails_raises_the_same_and_leaves_nothing(captured: Captured) -> None:
    with correlated(ID):
        before = get_current()
        for _ in range(1_000):
            with pytest.raises(DatabaseError, match="the database is away"):
                tasks.tell.using(backend="away").enqueue()
        assert get_current() == before
    assert {span.status.status_code for span in captured.spans} == {StatusCode.ERROR}
    assert len(captured.spans) == 1_000
    assert captured.spans[0].attributes["error.type"] == "django.db.utils.DatabaseError"  # type: ignore[index]


def test_a_run_that_is_interrupted_is_told_and_leaves_nothing(captured: Captured) -> None:
    with correlated(ID), pytest.raises(KeyboardInterrupt):
        immediate(tasks.stop).enqueue()
    [run] = captured.tasks()
    assert (run.state, run.correlation_id) == ("FAILURE", ID)


def where() -> tuple[Any, ...]:
    return get_current(), correlation_id(), tally.current()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_awaited_run_that_ends_without_a_word_is_told_once_and_leaves_nothing(
    captured: Captured, error: type[BaseException]
) -> None:
    def receiver(**_: Any) -> None:
        if error is RuntimeError:
            raise error

    async def enqueue() -> None:
        token = tally.bind(tally.Tally())
        before = where()
        with pytest.raises(error):
            await immediate(tasks.stop).aenqueue()
        assert where() == before
        tally.reset(token)

    task_started.connect(receiver)
    try:
        with correlated(ID):
            asyncio.run(enqueue())
    finally:
        task_started.disconnect(receiver)
    [run] = captured.tasks()
    assert (run.state, run.correlation_id) == ("FAILURE", ID)
    assert len(captured.spans) == 2


def test_a_run_whose_await_is_cancelled_is_told_when_it_ends(captured: Captured) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def receiver(**_: Any) -> None:
        begun.set()
        assert go_on.wait(10)

    async def enqueue() -> None:
        before = where()
        enqueuing = asyncio.ensure_future(cancelled(before))
        assert await asyncio.to_thread(begun.wait, 10)
        enqueuing.cancel()
        await enqueuing
        assert captured.tasks() == []
        go_on.set()

    async def cancelled(before: tuple[Any, ...]) -> None:
        with pytest.raises(asyncio.CancelledError):
            await immediate(tasks.tell).aenqueue()
        assert where() == before

    task_started.connect(receiver)
    try:
        with correlated(ID):
            asyncio.run(enqueue())
    finally:
        task_started.disconnect(receiver)
    wait_until(captured.tasks, "the run's end", 10)
    assert [(run.state, run.correlation_id) for run in captured.tasks()] == [("SUCCESS", ID)]


def test_a_body_that_leaves_a_context_behind_is_told_and_costs_the_next_nothing(captured: Captured) -> None:
    for identifier, task in ((ID, tasks.messy), (OTHER, tasks.tell)):
        with correlated(identifier):
            task.enqueue()
    work()
    assert [(run.state, run.correlation_id) for run in captured.tasks()] == [
        ("SUCCESS", ID),
        ("SUCCESS", OTHER),
    ]
    consumers = spans(captured, SpanKind.CONSUMER)
    assert len(consumers) == 2
    assert all("django.tasks.queue_wait_ms" in (span.attributes or {}) for span in consumers)
    with correlated(ID):
        immediate(tasks.messy).enqueue()
        assert correlation_id() == ID


def test_a_run_that_cannot_be_bound_ends_its_span(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(backgroundpublication, "outside", broken)
    before = reporting.failures().get("backgroundtasks", 0)
    assert immediate(tasks.tell).enqueue().return_value["words"] == [""]
    assert reporting.failures()["backgroundtasks"] == before + 1
    assert len(spans(captured, SpanKind.CONSUMER)) == 1


@pytest.mark.parametrize("published", [10**400, "-1e300", "soon"], ids=lambda value: str(value)[:6])
def test_a_nonsensical_time_of_the_enqueue_costs_nothing_else(captured: Captured, published: Any) -> None:
    tasks.tell.enqueue()
    model().objects.update(
        return_value={"django_observe": {"x-correlation-id": ID, "x_published_at": published}}
    )
    work()
    [run] = captured.tasks()
    assert (run.correlation_id, run.queue_wait_seconds, run.state) == (ID, None, "SUCCESS")


def test_a_fault_in_the_wait_costs_nothing_else(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(taskdelivery, "_waited", broken)
    with correlated(ID):
        tasks.tell.enqueue()
    work()
    assert [run.correlation_id for run in captured.tasks()] == [ID]


def test_receivers_of_the_projects_own_run_under_the_id_and_may_raise(captured: Captured) -> None:
    seen: dict[Signal, str | None] = {}

    def receiver(*, signal: Signal, **_: Any) -> None:
        seen[signal] = correlation_id()
        if signal is task_finished:
            raise RuntimeError

    signals = (task_enqueued, task_started, task_finished)
    for signal in signals:
        signal.connect(receiver)
    try:
        with correlated(ID), pytest.raises(RuntimeError):
            immediate(tasks.tell).enqueue()
    finally:
        for signal in signals:
            signal.disconnect(receiver)
    assert seen == dict.fromkeys(signals, ID)
    assert len(captured.tasks()) == 1


def test_a_run_has_one_line(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    with correlated(ID), caplog.at_level(logging.INFO):
        result = tasks.boom.enqueue()
        work()
    told = [line for line in captured.lines if "boom" in line["message"]]
    assert [(line.get("event"), line["correlation_id"]) for line in told] == [("task", ID)]
    assert f"Task id={result.id} path={tasks.boom.module_path} state=FAILED" in caplog.messages


def test_a_task_may_return_what_looks_like_ours(captured: Captured) -> None:
    result = tasks.echo.enqueue({"django_observe": {"x-correlation-id": OTHER}})
    work()
    assert tasks.echo.get_result(result.id).return_value == {"django_observe": {"x-correlation-id": OTHER}}


THEIRS: tuple[Any, ...] = ({"answer": 42}, {"x-correlation-id": OTHER}, {}, [1, 2], None)


@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("status", TaskResultStatus.values)
def test_what_is_a_tasks_own_is_read_and_saved_as_it_is(status: str, theirs: Any) -> None:
    tasks.tell.enqueue()
    model().objects.update(return_value={"django_observe": theirs}, status=status)
    row = model().objects.get()
    assert row.return_value == {"django_observe": theirs}
    row.save()
    assert stored()[1] == {"django_observe": theirs}


@pytest.mark.parametrize("lookup", ["defer", "only"])
def test_a_row_without_its_status_is_read_and_saved_as_it_is(lookup: str) -> None:
    """Nobody can tell then whether the column is a task's own."""
    value = {"django_observe": {"x_published_at": "1000.5"}}
    tasks.tell.enqueue()
    model().objects.update(return_value=value, status=TaskResultStatus.SUCCESSFUL)
    row = getattr(model().objects, lookup)("status" if lookup == "defer" else "return_value").get()
    assert row.return_value == value
    row.save()
    assert stored()[1] == value


def test_a_row_that_is_saved_without_its_status_keeps_what_travels(captured: Captured) -> None:
    with correlated(ID):
        tasks.tell.enqueue()
    model().objects.defer("status").get().save()
    work()
    assert [run.correlation_id for run in captured.tasks()] == [ID]


@pytest.mark.parametrize("field", ["x_published_at", "x_schedule"])
@pytest.mark.parametrize("value", [None, True, "", "soon", 10**400, [], [None], {}, {"a": 1}], ids=repr)
def test_a_run_is_told_whatever_its_row_says(captured: Captured, field: str, value: Any) -> None:
    tasks.tell.enqueue()
    travelling = {"x-correlation-id": ID, "x_published_at": "1000.5", field: value}
    model().objects.update(return_value={"django_observe": travelling})
    work()
    assert [(run.correlation_id, run.state) for run in captured.tasks()] == [(ID, "SUCCESS")]
    assert [line["correlation_id"] for line in captured.lines if line.get("event") == "task"] == [ID]
    assert captured.sample("django_task_runtime_seconds_count", queue_name="default") == 1
    assert len(spans(captured, SpanKind.CONSUMER)) == 1


def test_a_task_that_is_gone_fails_under_the_id(captured: Captured) -> None:
    with correlated(ID):
        tasks.tell.enqueue()
    model().objects.update(task_path="tests.backgroundproject.tasks.gone")
    work()
    assert model().objects.get().status == TaskResultStatus.FAILED
    [line] = [line for line in captured.lines if "failed unexpectedly" in line["message"]]
    assert line["correlation_id"] == ID


@pytest.mark.parametrize("fail", [False, True])
def test_another_backend_is_observed_by_its_signals(fail: bool, captured: Captured) -> None:
    foreign: Any = tasks.tell.using(backend="foreign")
    with correlated(ID):
        foreign.enqueue()
    foreign.get_backend().work(fail)
    [run] = captured.tasks()
    assert run.state == ("FAILURE" if fail else "SUCCESS")
    assert run.correlation_id not in {ID, None}
    if run.failure is not None:
        assert run.failure.type == "builtins.OSError"
        assert "s3cret" not in run.failure.stack


def strange(**fields: Any) -> Any:
    """A result of a backend that has a class of its own for them."""
    task = SimpleNamespace(run_after=None, module_path="shop.bill", queue_name="mail")
    given = {
        "id": "1",
        "task": task,
        "enqueued_at": None,
        "worker_ids": ["w"],
        "status": "FAILED",
        "errors": [],
    }
    return SimpleNamespace(**given | fields)


NO_TRACEBACK: Any = {"exception_class_path": "builtins.OSError", "traceback": None}


@pytest.mark.parametrize(
    ("fields", "state", "failure"),
    [
        ({"status": "SUCCESSFUL"}, "SUCCESS", None),
        ({"status": None}, "FAILURE", None),
        ({"errors": None}, "FAILURE", None),
        ({"errors": [{}]}, "FAILURE", None),
        ({"errors": [TaskError(**NO_TRACEBACK)]}, "FAILURE", "builtins.OSError"),
        ({"worker_ids": None}, "FAILURE", None),
    ],
    ids=repr,
)
def test_a_run_is_told_whatever_its_result_says(
    captured: Captured, fields: dict[str, Any], state: str, failure: str | None
) -> None:
    backgroundrun.begin(strange(**fields))
    backgroundrun.end(strange(**fields), None)
    [run] = captured.tasks()
    assert (run.state, run.attempt, run.failure and run.failure.type) == (state, 1, failure)


@pytest.mark.parametrize("ended", [None, SimpleNamespace(id="1")], ids=repr)
def test_a_run_ends_with_a_result_that_cannot_be_read(captured: Captured, ended: Any) -> None:
    backgroundrun.begin(strange())
    backgroundrun.end(ended, None)
    assert [run.state for run in captured.tasks()] == ["FAILURE"]


def test_the_end_of_another_task_ends_no_run(captured: Captured) -> None:
    backgroundrun.begin(strange())
    backgroundrun.end(strange(id="2"), None)
    assert captured.tasks() == []
    backgroundrun.end(strange(), None)
    assert len(captured.tasks()) == 1


@pytest.mark.parametrize(("relation", "linked"), [("link", True), ("new", False)])
def test_the_trace_is_chosen_as_for_celery(relation: str, linked: bool, captured: Captured) -> None:
    with override_settings(DJANGO_OBSERVE={"TASK_TRACE": {"tests.*": relation}}):
        tasks.tell.enqueue()
        work()
    [producer], [consumer] = spans(captured, SpanKind.PRODUCER), spans(captured, SpanKind.CONSUMER)
    assert consumer.parent is None
    assert [link.context.span_id for link in consumer.links] == [producer.context.span_id] * linked


def test_it_can_be_switched_off(captured: Captured) -> None:
    with override_settings(DJANGO_OBSERVE={"BACKGROUND_TASKS": False}):
        with correlated(ID):
            tasks.tell.enqueue()
            assert immediate(tasks.tell).enqueue().return_value["id"] == ID
        assert stored()[1] is None
        work()
    assert (captured.tasks(), captured.spans) == ([], [])


def test_installing_again_changes_nothing() -> None:
    for _ in range(3):
        apps.get_app_config("django_observe").ready()
    with capturing() as captured:
        immediate(tasks.tell).enqueue()
        tasks.tell.enqueue()
        work()
    assert (len(captured.tasks()), len(captured.spans)) == (2, 4)
