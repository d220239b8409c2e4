"""Tasks that only a worker has."""

from __future__ import annotations

from celery import shared_task

from tests.conformance.project.tasks import ELSEWHERE
from tests.conformance.project.witness import witness


@shared_task(name=ELSEWHERE)
def elsewhere(*, key: str) -> None:
    """Known by name to those who publish it."""
    witness(key, "task")
