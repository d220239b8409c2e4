"""Django's own tasks from 6.0 on, before that the backport: whichever `django_tasks_db` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django

if TYPE_CHECKING or django.VERSION < (6, 0):
    from django_tasks import TaskContext, task
    from django_tasks.backends.dummy import DummyBackend
    from django_tasks.base import Task, TaskError, TaskResult, TaskResultStatus
    from django_tasks.signals import task_enqueued, task_finished, task_started

    APPS = ["django_tasks", "django_tasks_db"]
else:
    from django.tasks import TaskContext, task
    from django.tasks.backends.dummy import DummyBackend
    from django.tasks.base import Task, TaskError, TaskResult, TaskResultStatus
    from django.tasks.signals import task_enqueued, task_finished, task_started

    APPS = ["django_tasks_db"]

BACKENDS = DummyBackend.__module__.removesuffix(".dummy")

__all__ = [
    "APPS",
    "BACKENDS",
    "DummyBackend",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskResult",
    "TaskResultStatus",
    "task",
    "task_enqueued",
    "task_finished",
    "task_started",
]
