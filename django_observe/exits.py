"""The ways a process ends, and a last word before each of them."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextvars import Context
from threading import Thread, current_thread, main_thread
from types import FrameType, ModuleType
from typing import Any

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe.reporting import guard

LastWord = Callable[[], object]

_close: LastWord | None = None
_flush: LastWord | None = None
_before: list[LastWord] = []
_dying: Thread | None = None
"""What speaks, and then kills, since the process was told to end."""


def prepare(close: LastWord, flush: LastWord) -> None:
    """Hooks what changes nothing for the application: exit and uvicorn; idempotent.

    `close` is called where the process ends, `flush` where only a server in it does.
    """
    global _close, _flush
    first = _close is None
    _close, _flush = close, flush
    if first:
        atexit.register(_end)
        register_post_import_hook(_wrap_uvicorn, "uvicorn.server")


def before(word: LastWord) -> None:
    """Has `word` called where the process ends, before `close` is: it may end what is to be delivered."""
    if word not in _before:
        _before.append(word)


def hook() -> None:
    """Hooks what belongs to this process alone, once it has something to say: SIGTERM, multiprocessing."""
    _handle_sigterm()
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize  # its children leave without atexit

        Finalize(None, _end, exitpriority=100)


def _end() -> None:
    """The main thread is through: it says the last word, unless SIGTERM came before; then that is the end.

    So a process that was told to end does not exit with 0 because its work was done meanwhile.
    """
    if _dying is None:
        _say()
        _give_sigterm_back()
    if _dying is not None:  # it may have come while the last word was said
        _dying.join()


def _say() -> None:
    for word in _before:
        with guard("exits"):
            word()
    with guard("exits"):
        if _close is not None:
            _close()


def _handle_sigterm() -> None:
    """Takes a SIGTERM that nobody handles, such as a management command's."""
    with guard("exits"):
        if current_thread() is main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    """Speaks beside the interrupted code, which may hold any lock, then dies of the signal all the same.

    Called by a handler that has replaced it, it leaves the end to that one.
    """
    global _dying
    if signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    thread = Thread(target=_say_and_die, name="django_observe.exit", daemon=True)
    try:
        Context().run(thread.start)
    except RuntimeError:  # no thread is to be had
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        _dying = thread


def _say_and_die() -> None:
    try:
        _say()
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _give_sigterm_back() -> None:
    """Where there is nothing (more) to say, SIGTERM ends the process at once, also within a long call."""
    with guard("exits"):
        if current_thread() is main_thread() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _after_fork() -> None:
    """A child has said nothing yet, and was not told to end."""
    global _dying
    _dying = None
    _give_sigterm_back()


def _wrap_uvicorn(module: ModuleType) -> None:
    """Uvicorn shuts down gracefully, gives SIGTERM its default back and raises it: no exit hook is run."""
    with guard("exits"):
        wrap_function_wrapper(module.Server, "shutdown", _shut_down)


async def _shut_down(
    wrapped: Callable[..., Any], _server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    await wrapped(*args, **kwargs)
    with guard("exits"):
        if _flush is not None:
            await asyncio.to_thread(_flush)


os.register_at_fork(after_in_child=_after_fork)
