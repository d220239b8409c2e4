"""Django's test environment: whether it is in force, and a word wherever it begins or ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe.reporting import guard

_UTILS: Final = "django.test.utils"
_listeners: list[Callable[[], object]] = []


def in_force() -> bool:
    """Whether `setup_test_environment` has been called: it then keeps what it has changed."""
    utils = sys.modules.get(_UTILS)
    return utils is not None and hasattr(getattr(utils, "_TestState", None), "saved_data")


def on_change(listener: Callable[[], object]) -> None:
    """Has `listener` called after each `setup_test_environment` and `teardown_test_environment`."""
    if not _listeners:
        register_post_import_hook(_wrap, _UTILS)
    if listener not in _listeners:
        _listeners.append(listener)


def _wrap(utils: ModuleType) -> None:
    """Before the test runner takes them by name; one that has them already goes on with those."""
    with guard("testenvironment"):
        for name in ("setup_test_environment", "teardown_test_environment"):
            wrap_function_wrapper(utils, name, _changing)


def _changing(
    wrapped: Callable[..., Any], _utils: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    result = wrapped(*args, **kwargs)
    for listener in _listeners:
        with guard("testenvironment"):
            listener()
    return result
