"""Counts inserts, updates and deletions by model, without a query more than Django makes alone.

A receiver of `post_delete` would keep Django from deleting in one statement, so deletions are read off what
its collector says it deleted: related rows included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Literal

from django.apps import apps
from django.db.models import Model
from django.db.models.deletion import Collector
from django.db.models.signals import post_save
from wrapt import wrap_function_wrapper

from django_observe import metrics, reporting
from django_observe.reporting import guard, report

_THEIRS: Final = "ExportModelOperationsMixin("
_guard = guard("modelchanges")
_installed = False


def install() -> None:
    """Watches every model. May be called again."""
    global _installed
    post_save.connect(_saved, dispatch_uid="django_observe.modelchanges", weak=False)
    if not _installed:
        _installed = True
        wrap_function_wrapper(Collector, "delete", _deleted)


def _saved(*, sender: type[Model], created: bool, **_: object) -> None:
    """Receiver of `post_save`; as everywhere in Django, bulk operations send none."""
    try:
        model = _label(sender)
        if model is not None:
            _tell(model, "insert" if created else "update", 1)
    except BaseException:
        with _guard:  # entered here alone: a guard around all that takes 2k instructions
            raise


def _deleted(wrapped: Callable[..., Any], _: Collector, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = wrapped(*args, **kwargs)
    with _guard:
        for name, rows in result[1].items():
            model = _label_of(name) if rows else None
            if model is not None:
                _tell(model, "delete", rows)
    return result


def _tell(model: str, operation: Literal["insert", "update", "delete"], rows: int) -> None:
    count = reporting.shortcuts.get(("ModelChange", model, operation))
    if count is not None:
        count(rows)
        return
    from django_observe.records import ModelChange

    report(ModelChange(model=model, operation=operation, rows=rows))
    metrics.shorten(ModelChange, model, operation)


@lru_cache(maxsize=1_024)
def _label(model: type[Model]) -> str | None:
    """The lower-case name of a model; None for one that django-prometheus' mixin counts."""
    if any(each.__qualname__.startswith(_THEIRS) for each in model.__mro__):
        return None
    return str((model._meta.concrete_model or model)._meta.model_name)  # noqa: SLF001 - public in all but name


@lru_cache(maxsize=1_024)
def _label_of(name: str) -> str | None:
    """The same for `app.Model`, which may be a historical model that only a migration knows."""
    app, _, model = name.rpartition(".")
    known = apps.all_models.get(app, {}).get(model.lower())
    return model.lower() if known is None else _label(known)
