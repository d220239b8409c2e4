"""Tasks on the default backend, as any project writes them."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context, attach
from opentelemetry.trace import get_current_span

from django_observe import correlation_id
from tests.backgroundproject.library import TaskContext, task


def where() -> dict[str, Any]:
    """What is bound here."""
    return {"id": correlation_id(), "span": f"{get_current_span().get_span_context().span_id:016x}"}


@task
def tell(word: str = "", *, times: int = 1) -> dict[str, Any]:
    return {**where(), "words": [word] * times}


@task
async def atell() -> dict[str, Any]:
    return where()


@task
def echo(value: Any) -> Any:
    return value


@task(takes_context=True)
def arguments(context: TaskContext, /, *args: int, **kwargs: int) -> list[Any]:
    result = context.task_result
    return [list(args), kwargs, result.args, result.kwargs, context.attempt]


@task
def boom() -> None:
    raise ValueError("no such order")


@task
def messy() -> None:
    """Leaves a context of its own behind."""
    attach(Context())


@task
def stop() -> None:
    raise KeyboardInterrupt


@task
def outer() -> list[Any]:
    return [where(), tell.using(backend="immediate").enqueue().return_value, where()]
