"""`manage.py db_worker`, its runs watched from outside: what is left when one has ended."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context
from typing import Any

import django
from django.core.management import execute_from_command_line

from tests.conformance.project.kit import trace
from tests.conformance.project.witness import left


def watch(worker: Any) -> None:
    """Has each run of the worker's class followed by a witness."""
    run_task = worker.run_task

    def watched(self: Any, row: Any) -> None:
        before = copy_context()
        try:
            run_task(self, row)
        finally:
            left(row.args_kwargs["kwargs"].get("key"), before)

    worker.run_task = watched


if __name__ == "__main__":
    if "CONFORMANCE_WITHOUT_KIT" not in os.environ:
        trace()
    django.setup()
    from django_tasks_db.management.commands.db_worker import Worker

    watch(Worker)
    execute_from_command_line(["manage.py", "db_worker", *sys.argv[1:]])
