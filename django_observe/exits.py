"""The ways a process ends, and a last word before each of them."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from pathlib import Path
from threading import Thread, current_thread, main_thread
from types import FrameType, ModuleType
from typing import Any

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe import forks, siblings
from django_observe.reporting import guard

LastWord = Callable[[], object]

_close: LastWord | None = None
_flush: LastWord | None = None
_before: list[LastWord] = []
_dying: Thread | None = None
"""What speaks, and then kills, since the process was told to end."""


def prepare(close: LastWord, flush: LastWord) -> None:
    """Hooks what changes nothing for the application: exit and servers; idempotent.

    `close` is called where the process ends, `flush` where only a server in it does.
    """
    global _close, _flush
    first = _close is None
    _close, _flush = close, flush
    if first:
        atexit.register(_end)
        register_post_import_hook(_wrap_uvicorn, "uvicorn.server")
        register_post_import_hook(_wrap_waitress, "waitress.server")


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
        if not forks.has_heirs():
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
        unhandled = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if unhandled and current_thread() is main_thread() and not _is_awaited_in_c():
            with suppress(ValueError):  # another interpreter than the main one has a main thread, too
                signal.signal(signal.SIGTERM, _on_sigterm)


def _is_awaited_in_c() -> bool:
    """Whether a handler that Python knows nothing of takes SIGTERM: that of a server around it (uWSGI)."""
    with suppress(OSError, ValueError, IndexError):  # not on Linux
        caught = Path("/proc/self/status").read_text().split("SigCgt:")[1].split()[0]
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
    return False


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
    """Uvicorn shuts down gracefully, gives SIGTERM its handler back and raises it: no exit hook is run."""
    with guard("exits"):
        wrap_function_wrapper(module.Server, "shutdown", _shut_down)
        wrap_function_wrapper(module.Server, "capture_signals", _capturing)


def _capturing(
    wrapped: Callable[..., Any], _server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Has the server find our handler. Uvicorn raises its SIGTERM again for it: what is lost is told."""
    _handle_sigterm()
    return wrapped(*args, **kwargs)


def _wrap_waitress(module: ModuleType) -> None:
    """Waitress serves in threads, where no signal can be hooked, and leaves SIGTERM to kill it."""
    with guard("exits"):
        for server in (module.BaseWSGIServer, module.MultiSocketServer):
            wrap_function_wrapper(server, "run", _capturing)


async def _shut_down(
    wrapped: Callable[..., Any], _server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    await wrapped(*args, **kwargs)
    with guard("exits"):
        ends_too = siblings.server() == "uvicorn"  # and took SIGTERM before we were loaded
        word = _say if ends_too else _flush
        if word is not None:
            await asyncio.to_thread(word)


forks.in_child(_after_fork)
