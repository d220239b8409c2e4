"""What a worker that runs the kit has for `manage.py observe doctor`: a task, and an answer to `inspect`.

The task alone tells that a worker runs the kit: it stands among those that `celery inspect registered` names.
"""

from __future__ import annotations

import time
from typing import Any, Final

from celery import Celery
from celery.worker import state
from celery.worker.control import inspect_command

from django_observe import conf

COMMAND: Final = "observe"
CANARY_TASK: Final = "django_observe.canary"


def install(app: Celery) -> None:
    """Registers both, in a worker's main process before it forks."""
    app.task(name=CANARY_TASK, shared=False, ignore_result=True)(canary)
    inspect_command(name=COMMAND)(observed)


def canary() -> None:
    """Does nothing: what the doctor looks for is what is told of any task."""


def observed(_state: Any, **_: Any) -> dict[str, Any]:
    """Of this worker: its service, what it exports, its clock, how many canaries it has begun to run."""
    return {
        "service": conf.settings().service_name,
        "traces": conf.exports("traces"),
        "logs": conf.exports("logs"),
        "time": time.time(),
        "canaries": state.total_count.get(CANARY_TASK, 0),
    }
