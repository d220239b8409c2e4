"""The same service with background tasks: Django's own from 6.0 on, before that the backport."""

import os

import django

from tests.conformance.project.settings import *  # noqa: F403
from tests.conformance.project.settings import INSTALLED_APPS as APPS

_OWN = django.VERSION >= (6, 0)

ROOT_URLCONF = "tests.conformance.project.enqueuing"
INSTALLED_APPS = [app for app in APPS if not app.startswith("rest_framework")]
INSTALLED_APPS += ["django_tasks_db"] if _OWN else ["django_tasks", "django_tasks_db"]
if os.environ.get("CONFORMANCE_WITHOUT_KIT"):
    INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in {"django_observe", "django_guid"}]

TASKS = {
    "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []},
    "immediate": {
        "BACKEND": f"{'django.tasks' if _OWN else 'django_tasks'}.backends.immediate.ImmediateBackend",
        "QUEUES": [],
    },
}
