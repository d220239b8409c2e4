"""The one line's other end: `ready()` starts what is on, and nothing else starts anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from wrapt import register_post_import_hook

_CELERY = "celery.app.base"
_COMMANDS = "django.core.management.base"
_PYBREAKER = "pybreaker"
_TASKS = ("django.tasks.signals", "django_tasks.signals")
_DATABASE_TASKS = ("django_tasks_db.models", "django_tasks.backends.database.models")
_DATABASE_WORKERS = (
    "django_tasks_db.management.commands.db_worker",
    "django_tasks.backends.database.management.commands.db_worker",
)
_CHANNELS = ("channels.consumer", "channels.routing")
_DAPHNE = "daphne.access"
_HYPERCORN = "hypercorn.logging"
_UWSGI = "uwsgi"
_OTHER_KITS = {
    "django_guid.middleware": "install_guid",
    "log_request_id.middleware": "install_request_id",
    "django_structlog.middlewares.request": "install_structlog",
}
_awaited: set[str] = set()


class DjangoObserveConfig(AppConfig):
    """Wires the package into the project. `ready()` may run any number of times."""

    name = "django_observe"
    verbose_name = "Observability"

    def ready(self) -> None:
        """Connects every part; starts no thread and opens no socket.

        Raises:
            ImproperlyConfigured: when DJANGO_OBSERVE has faults, all of them at once.
        """
        from django_observe import propagation

        propagation.install()  # first: much else of OpenTelemetry cannot be imported where it finds a fault

        from django_observe import (
            checks,
            conf,
            database,
            logs,
            metrics,
            middleware,
            outbound,
            threads,
            traces,
        )

        checks.install()
        setting_changed.connect(conf.reload, dispatch_uid="django_observe.conf", weak=False)
        setting_changed.connect(_rewire, dispatch_uid="django_observe.apps", weak=False)
        middleware.install()
        logs.install()
        database.install()
        metrics.install()
        outbound.install()
        traces.install()
        threads.install()
        _await_libraries()
        _choose_reporters()


def _await_libraries() -> None:
    """Installs what a setting can turn off, or what waits for the project to import a library."""
    from django_observe import cache, conf, modelchanges, siblings

    settings = conf.settings()
    _when_imported(_COMMANDS, partial(_install_part, "commands"))
    if settings.celery:
        _when_imported(_CELERY, _install_celery)
    if settings.background_tasks:
        _await_background_tasks()
    if settings.channels:
        for name in _CHANNELS:
            _when_imported(name, partial(_install_part, "consumers"))
    _when_imported(_DAPHNE, partial(_install_part, "daphnelog"))
    _when_imported(_HYPERCORN, partial(_install_part, "hypercornlog"))
    _when_imported(_UWSGI, partial(_install_part, "uwsgi"))
    for name, install in _OTHER_KITS.items():
        _when_imported(name, partial(_install_part, "otherids", install=install))
    if settings.metrics:
        siblings.share_metrics()
        cache.install()
        modelchanges.install()
        _when_imported(_PYBREAKER, _install_breakers)


def _when_imported(name: str, install: Callable[[ModuleType], None]) -> None:
    """Installs now, or as soon as the project imports it: that a module is there alone costs nothing."""
    if name in sys.modules:
        install(sys.modules[name])
    elif name not in _awaited:
        _awaited.add(name)
        register_post_import_hook(install, name)


def _await_background_tasks() -> None:
    for name in _TASKS:
        _when_imported(name, partial(_install_part, "backgroundtasks"))
    for name in _DATABASE_TASKS:
        _when_imported(name, partial(_install_part, "backgroundrows"))
    for name in _DATABASE_WORKERS:
        _when_imported(name, partial(_install_part, "backgroundworker"))


def _install_part(part: str, found: ModuleType, *, install: str = "install") -> None:
    from django_observe.reporting import guard

    with guard(part):
        getattr(import_module(f"django_observe.{part}"), install)(found)


def _install_celery(_: ModuleType) -> None:
    from django_observe import celery, conf
    from django_observe.reporting import guard

    with guard("celery"):
        if conf.settings().celery:
            celery.install()


def _install_breakers(pybreaker: ModuleType) -> None:
    from django_observe import circuitbreakers, metrics
    from django_observe.reporting import guard

    with guard("circuitbreakers"):
        circuitbreakers.install(pybreaker)
        circuitbreakers.on_change(metrics.mirror)


def _choose_reporters() -> None:
    """Tells `reporting` who is told: ours, absent where off, or what a dotted path names instead."""
    from django_observe import conf, logs, metrics, reporting, traces

    settings = conf.settings()
    choices = (
        ("METRICS", settings.metrics, metrics.report),
        ("TRACES", settings.traces, traces.report),
        ("LOGS", settings.logs, logs.report),
    )
    reporting.set_reporters(
        tuple(
            _imported(key, chosen) if isinstance(chosen, str) else ours
            for key, chosen, ours in choices
            if chosen
        )
    )


def _imported(key: str, path: str) -> Any:
    """What a dotted path of the settings names.

    Raises:
        ImproperlyConfigured: when that is nothing, or nothing that can be told a record.
    """
    try:
        found = import_string(path)
    except ImportError as fault:
        raise _refused(key, path, f"a dotted path that can be imported. Correct it ({fault})") from fault
    unfit = "a coroutine function, which nobody awaits" if iscoroutinefunction(found) else ""
    if not callable(found):
        unfit = f"of type {type(found).__name__}"
    if unfit:
        raise _refused(key, path, f"a callable that takes a record (this is {unfit}). Name a plain function")
    return found


def _refused(key: str, path: str, accepted: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"DJANGO_OBSERVE['{key}'] is {path!r}; accepted is True, False or {accepted}."
    )


def _rewire(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: an overridden DJANGO_OBSERVE takes effect at once."""
    if setting == "DJANGO_OBSERVE":
        _choose_reporters()
