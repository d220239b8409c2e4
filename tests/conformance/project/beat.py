"""The Celery application with a schedule: one entry for each pool, each with a queue of its own."""

from typing import Any

from celery import signals

from tests.conformance.project.celery import app
from tests.conformance.project.kit import trace
from tests.conformance.project.tasks import tell

__all__ = ["app"]

SECONDS = 0.5
POOLS = ("prefork", "threads", "solo")


@signals.beat_init.connect
def on_beat(**_: Any) -> None:
    trace()


app.conf.beat_schedule = {
    f"every moment, {pool}": {
        "task": tell.name,
        "schedule": SECONDS,
        "kwargs": {"key": f"beat, {pool}"},
        "options": {"queue": f"beat-{pool}", "expires": 10},
    }
    for pool in POOLS
}
