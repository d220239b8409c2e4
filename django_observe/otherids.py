"""IDs that other kits keep of a request: where one of these is installed beside us, its ID is ours.

So a request has one ID, whoever is asked: the answer's headers, the project's own lines, `get_guid()`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from wrapt import FunctionWrapper, wrap_function_wrapper

from django_observe import requesthead
from django_observe.correlation import correlation_id

Wrapped = Callable[..., Any]


def install_guid(middleware: ModuleType) -> None:
    """django-guid's; what it returns is also what its integrations are told."""
    if not isinstance(middleware.get_id_from_header, FunctionWrapper):
        wrap_function_wrapper(middleware, "get_id_from_header", _ours_if_any)
        requesthead.accept(middleware.settings.guid_header_name)


def install_request_id(middleware: ModuleType) -> None:
    """django-log-request-id's; its setting has a name of request.META."""
    theirs = middleware.RequestIDMiddleware
    if not isinstance(theirs.__dict__["_get_request_id"], FunctionWrapper):
        wrap_function_wrapper(theirs, "_get_request_id", _ours_if_any)
        key = getattr(middleware.settings, "LOG_REQUEST_ID_HEADER", None) or ""
        if key.startswith("HTTP_"):  # others are the server's own
            requesthead.accept(key.removeprefix("HTTP_").replace("_", "-"))


def install_structlog(middleware: ModuleType) -> None:
    """django-structlog's, by the signal it sends before its first line of a request."""
    middleware.signals.bind_extra_request_metadata.connect(
        _bind_structlog, dispatch_uid="django_observe.otherids", weak=False
    )


def _ours_if_any(wrapped: Wrapped, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Outside of a request of ours (a test without our middleware) theirs stays."""
    return correlation_id() or wrapped(*args, **kwargs)


def _bind_structlog(**_: object) -> None:
    """`request_id` as their lines have it, and `correlation_id`, which a stranger may have given them."""
    from structlog.contextvars import bind_contextvars  # type: ignore[import-not-found,unused-ignore]

    identifier = correlation_id()
    if identifier is not None:
        bind_contextvars(request_id=identifier, correlation_id=identifier)
