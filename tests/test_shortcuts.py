"""What is counted without a record counts as with one, which is made as soon as anybody else hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection

from django_observe import cache, collectors, counting, metrics, reporting, samples, tasksteps
from django_observe.records import CacheGet, ModelChange, Query, Record, TaskEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    before = reporting.reporters()
    reporting.set_reporters((metrics.report,))
    yield
    reporting.set_reporters(before)
    metrics.reset()


def ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def save() -> None:
    Group.objects.get_or_create(name="a")[0].save()


def look_up() -> None:
    cache._watch(LocMemCache)
    LocMemCache("shortcuts", {}).get("absent")


def take_step() -> None:
    tasksteps.tell("SENT", "shop.bill", "1", "celery", "w1")


HAPPENINGS: list[tuple[type[Record], Callable[[], None]]] = [
    (Query, ask),
    (ModelChange, save),
    (CacheGet, look_up),
    (TaskEvent, take_step),
]
happenings = pytest.mark.parametrize(("kind", "happen"), HAPPENINGS, ids=["query", "save", "lookup", "step"])


def has_shortcut(kind: type[Record]) -> bool:
    return any(key[0] == kind.__name__ for key in reporting.shortcuts)


@happenings
def test_another_reporter_hears_from_its_first_record_on(
    kind: type[Record], happen: Callable[[], None]
) -> None:
    happen()
    happen()
    assert has_shortcut(kind)
    told: list[Record] = []
    reporting.set_reporters((metrics.report, told.append))
    happen()
    assert [type(record) for record in told].count(kind) >= 1
    assert not has_shortcut(kind)
    reporting.set_reporters((metrics.report,))
    told.clear()
    happen()
    happen()
    assert told == []
    assert has_shortcut(kind)


@happenings
def test_a_thread_that_makes_one_while_reporters_change_leaves_nothing(
    kind: type[Record], happen: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hears_alone = reporting.hears_alone

    def changed_meanwhile(*asked: Any) -> bool:
        alone = hears_alone(*asked)
        reporting.set_reporters((metrics.report, lambda record: None))
        return alone

    monkeypatch.setattr("django_observe.metrics.hears_alone", changed_meanwhile)
    happen()
    assert not has_shortcut(kind)


@happenings
def test_binding_anew_forgets_them(kind: type[Record], happen: Callable[[], None]) -> None:
    happen()
    assert has_shortcut(kind)
    metrics.reset()
    assert not has_shortcut(kind)


@happenings
def test_one_that_fails_is_counted_and_does_no_harm(kind: type[Record], happen: Callable[[], None]) -> None:
    happen()
    for key in reporting.shortcuts:
        reporting.shortcuts[key] = lambda *_: 1 / 0
    before = sum(reporting.failures().values())
    happen()
    assert sum(reporting.failures().values()) > before


@happenings
def test_no_metric_is_no_fault_each_time(
    kind: type[Record], happen: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is another library's: told of once, and not for each."""
    happen()
    metrics.reset()
    for binds in ("_bound", "_shortcut"):
        monkeypatch.setattr(metrics, binds, lambda *_: 1 / 0)
    happen()
    before = reporting.failures()
    happen()
    assert reporting.failures() == before


def test_values_that_processes_share_grow_in_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    save()
    taken = [samples.taken()]
    for shared in (False, True):
        metrics.reset()
        if shared:
            monkeypatch.setattr("django_observe.directcounters.are_owned", lambda values: False)
        for happen in (ask, save, look_up, take_step) * 3:
            happen()
        taken.append(samples.taken())
    for name, labels in (
        ("django_db_execute_total", {"alias": "default", "vendor": "sqlite"}),
        ("django_db_query_duration_seconds_count", {"alias": "default", "vendor": "sqlite"}),
        ("django_model_updates_total", {"model": "group"}),
        ("django_cache_get_misses_total", {"backend": "locmem"}),
        ("django_cache_get_total", {"backend": "locmem"}),
        ("celery_task_sent_total", {"name": "shop.bill", "queue_name": "celery", "hostname": "w1"}),
    ):
        grown = [samples.grown(taken[n], taken[n + 1], name, labels) for n in (0, 1)]
        assert grown[0] == grown[1] >= 3, name


@happenings
def test_one_grows_nothing_while_a_record_is_counted(kind: type[Record], happen: Callable[[], None]) -> None:
    happen()
    (shortcut, *_) = [made for key, made in reporting.shortcuts.items() if key[0] == kind.__name__]
    usual = {Query: (0.1, None, 1), ModelChange: (1,), CacheGet: (1, 0), TaskEvent: (1,)}[kind]
    with ThreadPoolExecutor(1) as others:
        with counting.lock:
            counted = others.submit(shortcut, *usual)
            with pytest.raises(futures.TimeoutError):
                counted.result(timeout=0.1)
        counted.result(timeout=10)


@pytest.mark.parametrize(
    "task", ["shop." + "long" * 100, "shop.\x00", ["shop.list"]], ids=["long", "control", "list"]
)
def test_a_task_whose_name_is_no_label_is_told_by_its_record_each_time(task: Any) -> None:
    tasksteps.tell("STARTED", "shop.bill", "1", "celery")
    reporting.forget_shortcuts()
    before = samples.taken()
    for _ in range(3):
        tasksteps.tell("STARTED", task, "1", "celery")
    assert not has_shortcut(TaskEvent)
    counted = samples.grown(before, samples.taken(), "celery_task_started_total", {"queue_name": "celery"})
    assert counted == (3 if type(task) is str else 0)


def test_steps_of_tasks_beyond_the_bound_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    take_step()
    monkeypatch.setattr(collectors, "MAX_LABEL_SETS", 1)
    before = samples.taken()
    for _ in range(3):
        tasksteps.tell("SENT", "shop.late", "1", "celery", "w1")
    folded = {"name": "other", "queue_name": "other", "hostname": "other"}
    assert samples.grown(before, samples.taken(), "celery_task_sent_total", folded) == 3
    assert len(reporting.shortcuts) == 1
