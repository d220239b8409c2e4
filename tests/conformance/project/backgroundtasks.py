"""Background tasks that say what they run under; each takes the row's `key` by name."""

from __future__ import annotations

import django

from tests.conformance.project.witness import witness

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task  # type: ignore[no-redef]


@task
def tell(*, key: str, place: str = "task") -> str:
    witness(key, place)
    return place


@task
async def atell(*, key: str, place: str = "task") -> str:
    witness(key, place)
    return place


@task
def fail(*, key: str) -> None:
    witness(key, "task")
    raise ValueError("no such order")


@task
def pass_on(*, key: str) -> None:
    witness(key, "first")
    tell.enqueue(key=key)


@task
def around(*, key: str) -> None:
    """One within the other, both at once."""
    witness(key, "before")
    tell.using(backend="immediate").enqueue(key=key)
    witness(key, "behind")
