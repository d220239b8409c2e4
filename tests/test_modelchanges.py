"""What happens to models is counted, and not one query is added for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models.deletion import Collector
from django.db.models.signals import post_delete, post_save, pre_delete
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from django_observe import metrics, modelchanges, reporting

Counts = tuple[float, float, float]


@pytest.fixture(autouse=True)
def _bound_anew() -> Iterator[None]:
    metrics.reset()
    yield
    metrics.reset()


def counts(model: str) -> Counts:
    """Inserts, updates, deletes."""
    inserts, updates, deletes = (
        REGISTRY.get_sample_value(f"django_model_{operation}_total", {"model": model}) or 0.0
        for operation in ("inserts", "updates", "deletes")
    )
    return inserts, updates, deletes


def statements(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.django_db
def test_saving_and_deleting_is_counted_by_model() -> None:
    inserts, updates, deletes = counts("group")
    group = Group.objects.create(name="a")
    group.save()
    Group.objects.update_or_create(name="a", defaults={"name": "b"})
    Group.objects.get_or_create(name="b")
    group.delete()
    assert counts("group") == (inserts + 1, updates + 2, deletes + 1)


@pytest.mark.django_db
def test_a_fast_delete_stays_one_statement_and_each_of_its_rows_counts() -> None:
    members = User.groups.through
    group = Group.objects.create(name="a")
    group.user_set.set(User.objects.create(username=str(number)) for number in range(5))
    assert Collector(using="default").can_fast_delete(members.objects.all())
    before = counts("user_groups")
    deletes = statements(lambda: members.objects.all().delete())
    assert len(deletes) == 1
    assert deletes[0].startswith("DELETE FROM")
    assert counts("user_groups") == (before[0], before[1], before[2] + 5)
    assert statements(lambda: members.objects.all().delete()) == deletes
    assert counts("user_groups") == (before[0], before[1], before[2] + 5)


@pytest.mark.django_db
def test_what_goes_along_counts_under_its_own_name() -> None:
    user = User.objects.create(username="a")
    user.groups.add(Group.objects.create(name="a"), Group.objects.create(name="b"))
    user_before, member_before = counts("user"), counts("user_groups")
    user.delete()
    assert counts("user")[2] == user_before[2] + 1
    assert counts("user_groups")[2] == member_before[2] + 2


def a_day() -> None:
    """Each way of changing rows that the ORM has."""
    kind = ContentType.objects.create(app_label="a", model="b")
    Permission.objects.bulk_create(Permission(name="p", codename=str(n), content_type=kind) for n in range(3))
    group = Group.objects.create(name="day")
    group.permissions.set(Permission.objects.filter(content_type=kind))
    group.name = "night"
    group.save(update_fields=["name"])
    Group.objects.filter(name="night").update(name="day")
    Permission.objects.filter(codename="0").delete()
    kind.delete()
    Group.objects.all().delete()


@pytest.mark.django_db
def test_no_statement_is_added_or_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    a_day()
    ours = statements(a_day)
    post_save.disconnect(dispatch_uid="django_observe.modelchanges")
    monkeypatch.setattr(Collector, "delete", Collector.delete.__wrapped__)  # type: ignore[attr-defined]
    try:
        bare = statements(a_day)
    finally:
        modelchanges.install()
    assert len(ours) > 10
    assert [re.sub(r"\d+", "0", text) for text in ours] == [re.sub(r"\d+", "0", text) for text in bare]


def test_no_receiver_keeps_django_from_fast_deletes() -> None:
    for model in (Group, User, Permission, User.groups.through):
        assert not post_delete.has_listeners(model)
        assert not pre_delete.has_listeners(model)


@pytest.mark.django_db
def test_installing_again_counts_once() -> None:
    for _ in range(3):
        modelchanges.install()
    before = counts("group")
    Group.objects.create(name="a").delete()
    assert counts("group") == (before[0] + 1, before[1], before[2] + 1)


@pytest.mark.django_db
def test_a_collector_that_answers_otherwise_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelchanges, "_label_of", lambda _: 1 / 0)
    failures = reporting.failures().get("modelchanges", 0)
    assert Group.objects.create(name="a").delete() == (1, {"auth.Group": 1})
    assert reporting.failures()["modelchanges"] == failures + 1


PROGRAM = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django_observe"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
from django.db import connection, models
from django_prometheus.models import ExportModelOperationsMixin
from prometheus_client import REGISTRY

class Dog(ExportModelOperationsMixin("dog"), models.Model):
    class Meta: app_label = "zoo"

class Cat(models.Model):
    class Meta: app_label = "zoo"

class Kitten(Cat):
    class Meta: app_label = "zoo"

class OldCat(Cat):
    class Meta:
        app_label = "zoo"
        proxy = True

with connection.schema_editor() as editor:
    for model in (Dog, Cat, Kitten):
        editor.create_model(model)
Dog.objects.create().delete()
OldCat.objects.create().delete()
Kitten.objects.create().delete()
for name in ("dog", "cat", "kitten", "oldcat"):
    print(name, *(REGISTRY.get_sample_value(f"django_model_{operation}_total", {"model": name})
                  for operation in ("inserts", "updates", "deletes")))
"""


def test_the_mixins_models_count_once_proxies_as_themselves_and_children_with_their_parents() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "dog 1.0 0.0 1.0",
        "cat 1.0 0.0 2.0",
        "kitten 1.0 0.0 1.0",
        "oldcat None None None",
    ]
