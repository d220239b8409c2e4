"""Celery apps whose workers the doctor asks for, without a project around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from django_observe.doctor import fleet, workers
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import Finding
from django_observe.doctor.fleet import Fleet
from tests.doctor.served import canary


def app(broker: str, **configuration: Any) -> Celery:
    made = Celery("shop", broker=broker, set_as_current=False)
    made.conf.update(configuration)
    return made


def in_folder(folder: Path, **configuration: Any) -> Celery:
    """One whose broker is a folder, that is: there, and without workers."""
    folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), str(folder))
    return app("filesystem://", broker_transport_options=folders, **configuration)


def with_task(made: Celery) -> Celery:
    """The same with a task of its own, which no app that is made later has as well."""

    @made.task(name="shop.report", shared=False)
    def report() -> None:
        """Nobody runs it."""

    return made


def examined(monkeypatch: pytest.MonkeyPatch, made: Celery | None) -> list[Finding]:
    """What the hop of the workers finds where that is the project's app."""
    monkeypatch.setattr(fleet, "of_project", lambda: Fleet(made) if made else None)
    return list(workers.examine(canary(Backends())))
