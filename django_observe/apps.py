"""The one line's other end: `ready()` starts what is on, and nothing else starts anything."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.utils.module_loading import import_string


class DjangoObserveConfig(AppConfig):
    """Wires the package into the project. `ready()` may run any number of times."""

    name = "django_observe"
    verbose_name = "Observability"

    def ready(self) -> None:
        """Connects every part; starts no thread and opens no socket.

        Raises:
            ImproperlyConfigured: when DJANGO_OBSERVE has faults, all of them at once.
        """
        from django_observe import (
            checks,
            conf,
            database,
            logs,
            metrics,
            middleware,
            outbound,
            propagation,
            traces,
        )

        checks.install()
        setting_changed.connect(conf.reload, dispatch_uid="django_observe.conf", weak=False)
        setting_changed.connect(_rewire, dispatch_uid="django_observe.apps", weak=False)
        settings = conf.settings()
        propagation.install()
        middleware.install()
        logs.install()
        database.install()
        metrics.install()
        outbound.install()
        traces.install()
        if settings.celery and find_spec("celery") is not None:
            from django_observe import celery

            celery.install()
        _choose_reporters()


def _choose_reporters() -> None:
    """Tells `reporting` who is told: ours, absent where off, or what a dotted path names instead."""
    from django_observe import conf, logs, metrics, reporting, traces

    settings = conf.settings()
    choices = (
        (settings.metrics, metrics.report),
        (settings.traces, traces.report),
        (settings.logs, logs.report),
    )
    reporting.set_reporters(
        tuple(
            import_string(chosen) if isinstance(chosen, str) else ours for chosen, ours in choices if chosen
        )
    )


def _rewire(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: an overridden DJANGO_OBSERVE takes effect at once."""
    if setting == "DJANGO_OBSERVE":
        _choose_reporters()
