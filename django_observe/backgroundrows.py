"""What travels with a task of the database backend: in its row, in the column of its return value.

That column is empty until the run has ended, and then overwritten, also by a worker without this package,
which never reads it before. Whoever loads the row in a process with this package finds it empty, too, unless
they load it without its status: nobody can tell then whether the column is a task's own by now.
See docs/adr/0012-background-tasks.md.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.db.models.signals import post_init, post_save, pre_save

from django_observe import backgroundpublication, conf, messages
from django_observe.reporting import guard
from django_observe.vocabulary import Header

if TYPE_CHECKING:
    from django_observe.taskheaders import Headers

KEY = "django_observe"
"""The one key of the object that is stored."""

_COLUMN = "return_value"
_READY = "READY"
_UNFINISHED = (_READY, "RUNNING")
_KEPT = "_django_observe_headers"


def install(models: ModuleType) -> None:
    """Watches the model of `django_tasks_db.models`. May be called again."""
    for signal, receiver in ((post_init, _on_loaded), (pre_save, _on_saving), (post_save, _on_saved)):
        uid = f"django_observe.{__name__}.{receiver.__name__}"
        signal.connect(receiver, sender=models.DBTaskResult, weak=False, dispatch_uid=uid)


def headers(result: Any) -> Headers:
    """What came with the task of a result of the database backend; empty for any other's."""
    row = getattr(result, "db_result", None)
    return {} if row is None else _kept(row)


def identifier(row: Any) -> str | None:
    """The ID that came with a row, where one did."""
    with guard("backgroundtasks"):
        return messages.identifier(_kept(row))
    return None


def _kept(row: Any) -> Headers:
    kept = getattr(row, _KEPT, None)
    if not isinstance(kept, dict):
        return {}
    from django_observe import taskheaders  # it imports OpenTelemetry's API, and not every task has a row

    return taskheaders.read(kept)


def _on_loaded(*, instance: Any, **_: Any) -> None:
    """Takes ours out of the column; what a task has returned, or may have (the status is deferred), stays."""
    with guard("backgroundtasks"):
        loaded = vars(instance)
        stored = loaded.get(_COLUMN)
        if type(stored) is dict and stored.keys() == {KEY} and loaded.get("status") in _UNFINISHED:
            ours = stored[KEY]
            if type(ours) is dict and Header.TASK_PUBLISHED_AT in ours:
                loaded[_KEPT], loaded[_COLUMN] = ours, None


def _on_saving(*, instance: Any, **_: Any) -> None:
    """Puts ours into the column of a row that is new, or saved again before its run."""
    with guard("backgroundtasks"):
        if instance._state.adding and conf.settings().background_tasks:  # noqa: SLF001 - documented by Django
            vars(instance)[_KEPT] = backgroundpublication.headers()
        loaded = vars(instance)
        ours = loaded.get(_KEPT)
        if ours and loaded.get(_COLUMN) is None and loaded.get("status") == _READY:
            loaded[_COLUMN] = {KEY: ours}


def _on_saved(*, instance: Any, **_: Any) -> None:
    """The enqueuing code, too, finds the column empty."""
    _on_loaded(instance=instance)
