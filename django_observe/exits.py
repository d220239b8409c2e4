"""The ways a process ends, and a last word before each of them."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread, current_thread, main_thread
from types import FrameType, ModuleType
from typing import Any

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe.reporting import guard

_last_word: Callable[[], object] | None = None


def prepare(last_word: Callable[[], object]) -> None:
    """Hooks what has to be hooked before there is anything to say: SIGTERM and uvicorn; idempotent."""
    global _last_word
    first, _last_word = _last_word is None, last_word
    if first:
        atexit.register(_say)
        register_post_import_hook(_wrap_uvicorn, "uvicorn.server")
    _handle_sigterm()


def hook(last_word: Callable[[], object]) -> None:
    """Hooks what belongs to this process alone, which may be a fork of the one that was prepared."""
    prepare(last_word)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize  # its children leave without atexit

        Finalize(None, _say, exitpriority=100)


def _say() -> None:
    with guard("exits"):
        if _last_word is not None:
            _last_word()


def _handle_sigterm() -> None:
    """Takes a SIGTERM that nobody handles, such as a management command's."""
    with guard("exits"):
        if current_thread() is main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    """Speaks beside the interrupted code, which may hold any lock, then dies of the signal all the same."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def say_and_die() -> None:
        _say()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=say_and_die, name="django_observe.exit", daemon=True).start()


def _wrap_uvicorn(module: ModuleType) -> None:
    """Uvicorn shuts down gracefully, gives SIGTERM its default back and raises it: no exit hook is run."""
    with guard("exits"):
        wrap_function_wrapper(module.Server, "shutdown", _shut_down)


async def _shut_down(
    wrapped: Callable[..., Any], _server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    await wrapped(*args, **kwargs)
    await asyncio.to_thread(_say)
