"""uWSGI, which embeds Python: it forks past Python's hooks, and may keep threads from running.

`apps.py` calls `install` where uWSGI serves: in its master, or with `--lazy-apps` in each worker.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any, Final

from django.core.signals import request_finished, request_started
from wrapt import register_post_import_hook

from django_observe import conf, forks, multiprocess
from django_observe.notice import said
from django_observe.reporting import guard

_MARK: Final = "_django_observe"
_SWEEP: Final = "django_observe.uwsgi.sweep"
_renewing = Lock()

THREADS_ALWAYS: Final = (2, 0, 27)
"""Since that version threads of Python run without `--enable-threads`, also where it says false."""

_OFF: Final = (b"false", b"off", b"no", b"0")

WITHOUT_THREADS: Final = (
    "django_observe: uWSGI runs without threads: what leaves by OTLP does so only while requests are served "
    "and when a worker ends. Add --enable-threads."
)

BESIDE_ANOTHER: Final = (
    "django_observe: uWSGI runs this application beside another, in an interpreter of its own: its workers "
    "do not share metrics, and their last spans may be lost. Start a uWSGI for each application."
)


def install(uwsgi: ModuleType) -> None:
    """Sees to it that forked workers begin anew and share their metrics; says so where threads cannot run."""
    if hasattr(uwsgi, _MARK):
        return
    setattr(uwsgi, _MARK, True)
    master, worker = uwsgi.masterpid(), uwsgi.worker_id()
    if master == os.getpid():
        forks.bequeath()
    if _is_beside_another():
        multiprocess.stay_alone()
        request_started.connect(_renew_at_request, dispatch_uid="django_observe.uwsgi", weak=False)
        said(BESIDE_ANOTHER)
        return
    _chain(uwsgi)
    register_post_import_hook(_chain_decorators, "uwsgidecorators")
    if master and uwsgi.numproc > 1 and conf.settings().metrics:
        multiprocess.join(master)
    is_first = worker in {0, 1}  # 0 is the master
    if is_first and not _runs_threads(uwsgi) and (conf.exports("traces") or conf.exports("logs")):
        said(WITHOUT_THREADS)


def _is_beside_another() -> bool:
    """Whether this is not uWSGI's first interpreter (`--mount` twice): hooks are called there alone.

    prometheus_client's shared files are named by process: each would write over the other's.
    """
    with suppress(ImportError):
        interpreters = import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
        return bool(interpreters.get_current() != interpreters.get_main())
    return False


def _chain(uwsgi: ModuleType) -> None:
    """Python's own after-fork hooks are called by `--py-call-uwsgi-fork-hooks` alone."""
    before: Callable[[], Any] | None = getattr(uwsgi, "post_fork_hook", None)

    def post_fork_hook() -> None:
        _renew()
        if before is not None:
            before()

    uwsgi.post_fork_hook = post_fork_hook  # type: ignore[attr-defined]


def _renew() -> None:
    """What the master has queued leaves now, from its first child."""
    with guard("uwsgi"):
        forks.renew()
    request_finished.connect(_sweep, dispatch_uid=_SWEEP, weak=False)
    export = sys.modules.get("django_observe.export")
    if export is not None:
        with guard("uwsgi"):
            export.hasten()


def _sweep(**_: object) -> None:
    """Buries the worker that this one replaces, also where nobody scrapes.

    After the first answer: until its hooks have come to their end a worker takes no notice of uWSGI's end or
    reload, which then waits a minute for it, and this is 30 of 31 ms.
    """
    request_finished.disconnect(dispatch_uid=_SWEEP)
    with guard("uwsgi"):
        multiprocess.sweep()


def _renew_at_request(**_: object) -> None:
    """Where no hook is called: a worker's first request has it begin anew, the others wait for that."""
    with guard("uwsgi"), _renewing:
        forks.renew()


def _chain_decorators(decorators: ModuleType) -> None:
    """Its import takes the one hook that there is for its own list."""
    decorators.postfork_chain.insert(0, _renew)


def _runs_threads(uwsgi: ModuleType) -> bool:
    """By its version, or as it was told."""
    version = tuple(map(int, re.findall(rb"\d+", uwsgi.version)[:3]))
    option = uwsgi.opt.get("enable-threads", uwsgi.opt.get("threads", b"false"))
    return version >= THREADS_ALWAYS or option not in _OFF
