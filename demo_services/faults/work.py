"""Tasks that are slow or poisoned; a worker has them when its Celery application takes this as `task_cls`."""

import random
import time
from typing import Any

from celery import Task

from demo_services.faults.board import board
from demo_services.faults.inbound import SwitchedOnError


class FaultyTask(Task):  # type: ignore[type-arg]  # generic in its stubs alone
    """A task that sleeps, or raises what no retry is meant for, before it does its work."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, unless poisoned."""
        faults = board().faults()
        if faults.task_latency:
            time.sleep(faults.task_latency)
        if random.random() < faults.poison:  # noqa: S311
            raise SwitchedOnError("poison", faults.poison)
        return super().__call__(*args, **kwargs)
