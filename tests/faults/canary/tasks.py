"""Tasks whose arguments, results and failures hold canaries."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task

from tests.faults.canary import actions
from tests.faults.canary.values import own, witness


@shared_task
def given(outcome: str, value: str, *, program: str, card: str) -> str:
    """Notes its arguments (the publisher's canaries), answers one of its own; or fails.

    Raises:
        actions.TroubleError: under the outcome error.
    """
    witness("Celery args", outcome, value, program)
    witness("Celery kwargs", outcome, card, program)
    answer = own("Celery result", outcome)
    witness("Celery result", outcome, answer)
    if outcome == "error":
        raise actions.TroubleError("with arguments")
    return answer


@shared_task(bind=True, max_retries=1)
def trying(self: Task[Any, Any], outcome: str) -> None:
    """Tries twice.

    Raises:
        ValueError: both times under the outcome error, else the first time only.
    """
    value = own("exception args: retry", outcome)
    witness("exception args: retry", outcome, value)
    error = ValueError(f"password={value}, then Bearer {value}")
    if outcome == "error" or not self.request.retries:
        raise self.retry(exc=error, countdown=0)


@shared_task
def act(place: str, outcome: str) -> None:
    """Does in a worker what the web does as well."""
    actions.act(place, outcome)


@shared_task
def configuration(outcome: str) -> None:
    """Tells a worker's environment and settings."""
    actions.tell_configuration(outcome)
