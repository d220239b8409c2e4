"""Tasks that say what they run under; each takes the row's `key` by name."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task

from tests.conformance.project.witness import witness


@shared_task(bind=True)
def tell(self: Task[Any, Any], *_: Any, key: str, place: str = "task") -> str:
    """One witness; whatever came from earlier tasks is passed over."""
    witness(key, place, task_id=self.request.id)
    return place
