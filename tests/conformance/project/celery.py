"""The Celery application, its tasks watched from outside: what is left when a run has ended."""

from __future__ import annotations

import os
import re
import sys
from contextvars import copy_context
from typing import Any

from celery import Celery, signals
from celery.app import trace as celery_trace

from tests.conformance.project.kit import trace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")

app = Celery("conformance")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="troubletasks")

_build_tracer = celery_trace.build_tracer


@signals.worker_init.connect
def on_worker(sender: Any, **_: Any) -> None:
    """Threads and solo run tasks in this process; a prefork pool's processes follow."""
    if "prefork" not in str(sender.pool_cls):
        trace()


@signals.worker_process_init.connect
def on_pool_process(**_: Any) -> None:
    """OpenTelemetry's page on Celery: after the fork."""
    trace()


def build_tracer(*args: Any, **kwargs: Any) -> Any:
    """Celery's own, with a witness after each run."""
    traced = _build_tracer(*args, **kwargs)

    def watched(uuid: str, positional: Any, named: Any, request: Any = None) -> Any:
        from tests.conformance.project.witness import left

        before = copy_context()
        try:
            return traced(uuid, positional, named, request)
        finally:
            left(_key(positional, named or {}), before, run_id=uuid)

    return watched


def _key(positional: Any, named: dict[str, Any]) -> str | None:
    """Which row a run is of; Celery's own tasks have its `key` somewhere in what they pass on."""
    found = re.search(r"'([0-9a-f]{32})'", repr((named, positional)))
    return named.get("key") or (found and found[1])


for module in list(sys.modules.values()):
    if getattr(module, "build_tracer", None) is _build_tracer:
        module.build_tracer = build_tracer  # type: ignore[attr-defined]
